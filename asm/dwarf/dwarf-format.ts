/**
 * Numbers of the DWARF debugging format, version 4, under their names in its standard (dwarf-4, section 7 "Data
 * Representation"), as far as they are used here.
 */

export const DWARF_VERSION = 4;
/** Bytes of an address. */
export const ADDRESS_SIZE = 4;

export const DW_CHILDREN_no = 0;
export const DW_CHILDREN_yes = 1;

export const DW_TAG_array_type = 0x01;
export const DW_TAG_formal_parameter = 0x05;
export const DW_TAG_lexical_block = 0x0b;
export const DW_TAG_member = 0x0d;
export const DW_TAG_pointer_type = 0x0f;
export const DW_TAG_compile_unit = 0x11;
export const DW_TAG_structure_type = 0x13;
export const DW_TAG_subroutine_type = 0x15;
export const DW_TAG_typedef = 0x16;
export const DW_TAG_subrange_type = 0x21;
export const DW_TAG_base_type = 0x24;
export const DW_TAG_subprogram = 0x2e;
export const DW_TAG_variable = 0x34;

export const DW_AT_location = 0x02;
export const DW_AT_name = 0x03;
export const DW_AT_byte_size = 0x0b;
export const DW_AT_stmt_list = 0x10;
export const DW_AT_low_pc = 0x11;
export const DW_AT_high_pc = 0x12;
export const DW_AT_language = 0x13;
export const DW_AT_comp_dir = 0x1b;
export const DW_AT_producer = 0x25;
export const DW_AT_prototyped = 0x27;
export const DW_AT_count = 0x37;
export const DW_AT_data_member_location = 0x38;
export const DW_AT_encoding = 0x3e;
export const DW_AT_external = 0x3f;
export const DW_AT_frame_base = 0x40;
export const DW_AT_type = 0x49;
export const DW_AT_ranges = 0x55;

export const DW_FORM_addr = 0x01;
export const DW_FORM_data2 = 0x05;
export const DW_FORM_data4 = 0x06;
export const DW_FORM_data8 = 0x07;
export const DW_FORM_string = 0x08;
export const DW_FORM_block = 0x09;
export const DW_FORM_data1 = 0x0b;
export const DW_FORM_strp = 0x0e;
export const DW_FORM_udata = 0x0f;
export const DW_FORM_ref_addr = 0x10;
export const DW_FORM_ref4 = 0x13;
export const DW_FORM_sec_offset = 0x17;
export const DW_FORM_exprloc = 0x18;
export const DW_FORM_flag_present = 0x19;
/** Of version 5; line tables have them. */
export const DW_FORM_data16 = 0x1e;
export const DW_FORM_line_strp = 0x1f;

export const DW_ATE_boolean = 0x02;
export const DW_ATE_signed = 0x05;
export const DW_ATE_signed_char = 0x06;
export const DW_ATE_unsigned = 0x07;
export const DW_ATE_unsigned_char = 0x08;

export const DW_LANG_C99 = 0x000c;
export const DW_LANG_Mips_Assembler = 0x8001;

export const DW_OP_addr = 0x03;
export const DW_OP_fbreg = 0x91;
export const DW_OP_call_frame_cfa = 0x9c;

export const DW_LNS_copy = 1;
export const DW_LNS_advance_pc = 2;
export const DW_LNS_advance_line = 3;
export const DW_LNS_set_file = 4;
export const DW_LNS_set_column = 5;
export const DW_LNS_negate_stmt = 6;
export const DW_LNS_const_add_pc = 8;
export const DW_LNS_fixed_advance_pc = 9;
export const DW_LNE_end_sequence = 1;
export const DW_LNE_set_address = 2;
export const DW_LNE_define_file = 3;
/** Of version 5: what an entry of a file table has. */
export const DW_LNCT_path = 1;
export const DW_LNCT_directory_index = 2;

/** Operands, all LEB128 but that of DW_LNS_fixed_advance_pc, of the standard opcodes from 1 on. */
export const STANDARD_OPCODE_LENGTHS = [0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1] as const;

/** With the delta or the register in the low 6 bits. */
export const DW_CFA_advance_loc = 0x40;
export const DW_CFA_offset = 0x80;
export const DW_CFA_restore = 0xc0;
export const DW_CFA_advance_loc1 = 0x02;
export const DW_CFA_advance_loc2 = 0x03;
export const DW_CFA_advance_loc4 = 0x04;
export const DW_CFA_offset_extended = 0x05;
export const DW_CFA_restore_extended = 0x06;
export const DW_CFA_undefined = 0x07;
export const DW_CFA_same_value = 0x08;
export const DW_CFA_register = 0x09;
export const DW_CFA_remember_state = 0x0a;
export const DW_CFA_restore_state = 0x0b;
export const DW_CFA_def_cfa = 0x0c;
export const DW_CFA_def_cfa_register = 0x0d;
export const DW_CFA_def_cfa_offset = 0x0e;
export const DW_CFA_offset_extended_sf = 0x11;
export const DW_CFA_def_cfa_sf = 0x12;
export const DW_CFA_def_cfa_offset_sf = 0x13;
export const DW_CFA_val_offset = 0x14;
export const DW_CFA_val_offset_sf = 0x15;
export const DW_CFA_val_expression = 0x16;

/** How `.eh_frame` writes addresses. */
export const DW_EH_PE_sdata4 = 0x0b;
export const DW_EH_PE_pcrel = 0x10;

/** Numbers of the i386's registers in DWARF (System V ABI, i386 supplement, figure 2-14). */
export const DWARF_ESP = 4;
export const DWARF_EBP = 5;
/** The column of the return address. */
export const DWARF_EIP = 8;
