/** A boot sector under a real GDB, and what happens around its connection. */
import { connect, type Socket } from "node:net";
import { afterAll, describe, expect, it } from "vitest";
import { assembleBinary } from "../../../asm/index.ts";
import { bootDisk } from "../../../boot/index.ts";
import { GdbServer, type GdbServerOptions } from "../../../debug/gdb/index.ts";
import { packet } from "../../../debug/gdb/packet.ts";
import { DebugSession } from "../../../debug/session/index.ts";
import { Machine } from "../../../emulator/index.ts";
import { hasGdb, runGdb } from "./real-gdb.ts";

const LONG = 60_000;

/** Goes to segment 07C0h, as boot sectors do, and calls something five times. */
const BOOT_SECTOR = `
	.code16
_start:	ljmp	$0x7c0, $1f-_start
1:	xorw	%ax, %ax
	movw	%ax, %ss
	movw	$0x7000, %sp
	movw	$5, %cx
2:	call	sub
	loop	2b
3:	jmp	3b
sub:	incw	%bx
	ret
	.org	510
	.word	0xaa55
`;
/** Of `sub`, in its segment. */
const SUB = 0x16;

const servers: GdbServer[] = [];

function serve(options: GdbServerOptions = {}): GdbServer {
  const image = assembleBinary(BOOT_SECTOR, { file: "boot.S", origin: 0x7c00 });
  const session = DebugSession.forMachine(() => {
    const machine = new Machine({ memoryBytes: 1 << 20, disks: [{ image }] });
    bootDisk(machine);
    return machine;
  });
  const server = new GdbServer(session, options);
  servers.push(server);
  return server;
}

afterAll(() => {
  for (const server of servers) server.close();
});

describe.skipIf(!hasGdb())("a real GDB and a boot sector", () => {
  it("stops at breakpoints where the base of CS is not 0, and shows code of 16 bits", { timeout: LONG }, async () => {
    const server = serve();
    const output = await runGdb("", await server.listen(0), [
      `break *${0x7c00 + SUB}`,
      ...Array<string[]>(5).fill(["continue", 'printf "at %x:%x, %d left\\n", $cs, $eip, $ecx']).flat(),
      "x/4i 0x7c00",
      "x/i $cs*16+$eip",
      "set architecture i386",
      "x/i 0x7c07",
      "kill",
    ]);
    for (const left of [5, 4, 3, 2, 1]) expect(output).toContain(`at 7c0:${SUB.toString(16)}, ${left} left\n`);
    expect(output).toMatch(/ljmp +\$0x7c0,\$0x5[\s\S]*mov +\$0x7000,%sp/);
    expect(output).toMatch(/0x7c16:\s+inc +%bx/);
    expect(output).toMatch(/mov +%eax,%ss/);
    expect(output).not.toContain("warning: A handler");
    expect(await server.ended).toBe("killed");
  });

  it("refuses a second one, which hears why, and takes one that comes right after the first", {
    timeout: LONG,
  }, async () => {
    let refused = 0;
    const server = serve({ onRefused: () => refused++ });
    const port = await server.listen(0);
    const first = await connected(port);
    const output = await runGdb("", port, ["print 1"]);
    expect(output).toContain("another GDB is connected to this guest already");
    expect(refused).toBe(1);
    first.destroy();
    expect(
      await runGdb("", port, ["print $eip", "disconnect", `target remote 127.0.0.1:${port}`, "info threads"]),
    ).toMatch(/\$1 = .*0xfff0[\s\S]*\* 1 +Thread 1 "CPU 0" \(stopped\)/);
    expect(refused).toBe(1);
  });
});

describe("a second connection", () => {
  it("is taken at once when the first has left while the guest runs", async () => {
    const server = serve();
    const port = await server.listen(0);
    const first = await connected(port);
    first.write(packet("vCont;c"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    first.destroy();
    const second = await connected(port);
    second.write(packet("?"));
    expect(await answer(second)).toMatch(/^\+?\$T02thread:1;#/);
    second.destroy();
  });

  it("is told and turned away when the first stays, and so is a third at once", async () => {
    let refused = 0;
    const server = serve({ onRefused: () => refused++ });
    const port = await server.listen(0);
    const first = await connected(port);
    const others = await Promise.all([connected(port), connected(port)]);
    for (const other of others) other.write(packet("qSupported"));
    for (const other of others) expect(await answer(other)).toContain("E.another GDB is connected");
    expect(refused).toBe(2);
    first.write(packet("?"));
    expect(await answer(first)).toMatch(/\$T05thread:1;#/);
    first.destroy();
  });
});

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.setEncoding("latin1");
    socket.on("error", reject);
  });
}

/** What comes until a packet is whole. */
function answer(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    socket.on("data", (text) => {
      received += text;
      if (/#[0-9a-f]{2}/.test(received)) resolve(received);
    });
    socket.on("close", () => reject(new Error(`closed after ${JSON.stringify(received)}`)));
  });
}
