/** Tables of Intel's MultiProcessor Specification 1.4 (include/asm-i386/mpspec.h). */
import { array, chars, struct, u8, u16, u32 } from "../../host/types.ts";

/** `_MP_`, at the start of the floating pointer structure. */
export const MPF_SIGNATURE = 0x5f504d5f;
/** `PCMP`, at the start of the configuration table. */
export const MPC_SIGNATURE = 0x504d4350;

/** The floating pointer structure (4.1). */
export const mpf_intel = struct("mpf_intel", {
  mpf_signature: u32,
  /** Physical address of the configuration table; 0 for none. */
  mpf_physptr: u32,
  /** In 16 bytes. */
  mpf_length: u8,
  mpf_specification: u8,
  mpf_checksum: u8,
  mpf_feature1: u8,
  mpf_feature2: u8,
  mpf_feature3: u8,
  mpf_feature4: u8,
  mpf_feature5: u8,
});
/** In `mpf_feature2`: there is an IMCR, and PIC mode. */
export const MPF_IMCR_PRESENT = 0x80;

/** The configuration table's header (4.2); entries follow. */
export const mp_config_table = struct("mp_config_table", {
  mpc_signature: u32,
  mpc_length: u16,
  mpc_spec: u8,
  mpc_checksum: u8,
  mpc_oem: chars(8),
  mpc_productid: chars(12),
  mpc_oemptr: u32,
  mpc_oemsize: u16,
  mpc_oemcount: u16,
  mpc_lapic: u32,
  reserved: u32,
});

/** The first byte of an entry (4.3). */
export const MP_PROCESSOR = 0;
export const MP_BUS = 1;
export const MP_IOAPIC = 2;
export const MP_INTSRC = 3;
export const MP_LINTSRC = 4;

export const mpc_config_processor = struct("mpc_config_processor", {
  mpc_type: u8,
  mpc_apicid: u8,
  mpc_apicver: u8,
  mpc_cpuflag: u8,
  mpc_cpufeature: u32,
  mpc_featureflag: u32,
  mpc_reserved: array(u32, 2),
});
export const CPU_ENABLED = 1;
export const CPU_BOOTPROCESSOR = 2;

export const mpc_config_bus = struct("mpc_config_bus", {
  mpc_type: u8,
  mpc_busid: u8,
  mpc_bustype: chars(6),
});

export const mpc_config_ioapic = struct("mpc_config_ioapic", {
  mpc_type: u8,
  mpc_apicid: u8,
  mpc_apicver: u8,
  mpc_flags: u8,
  mpc_apicaddr: u32,
});
export const MPC_APIC_USABLE = 1;

export const mpc_config_intsrc = struct("mpc_config_intsrc", {
  mpc_type: u8,
  mpc_irqtype: u8,
  mpc_irqflag: u16,
  mpc_srcbus: u8,
  mpc_srcbusirq: u8,
  mpc_dstapic: u8,
  mpc_dstirq: u8,
});
/** `mpc_irqtype` of an interrupt whose vector the I/O APIC has. */
export const MP_INT = 0;

/** Bytes of all entries but a processor's. */
export const MPC_ENTRY_SIZE = 8;
