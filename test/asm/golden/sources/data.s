	.octa 1, -1, 0x0123456789abcdef0123456789abcdef, 1 + 2
	.uleb128 0, 127, 128, 300, -1, 0x123456789abcdef, last - first
	.sleb128 0, 63, 64, -64, -65, -1, first - last
first:	.string8 "ab"
	.string16 "ab", "c"
	.string32 "a"
	.string64 "a"
	.dc 1, 2
	.dc.a first
	.dc.b 1
	.dc.w 6
	.dc.l 5
	.dc.s 1.5
	.dc.d 1.5
	.dc.x 1.5
	.dcb 2, 0x1122
	.dcb.b 2, 3
	.dcb.w 2, -1
	.dcb.l 2, 0x12345678
	.dcb.s 2, 1.5
	.dcb.d 2, 1.5
	.dcb.x 1, 1.5
	.ds 1, 7
	.ds.b 3, 5
	.ds.w 2, 0x1234
	.ds.l 1
	.ds.s 1
	.ds.d 1
	.ds.p 1
	.ds.x 1
	.tfloat 0.1, -2.5e-3, inf, -inf, nan, -0.0, 3.14159265358979323846, 1e4000, 1e-4940
last:	.nops 5
	.nops 9, 4
	.nops 20
	.nops 100
	.nop
	.ident "first"
	.ident "second"
