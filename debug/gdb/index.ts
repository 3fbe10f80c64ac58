/** A server of GDB's remote serial protocol for a debugging session. */
export { Connection, type ConnectionEnd, type Link } from "./connection.ts";
export { replMonitor } from "./monitor.ts";
export { GdbServer, type GdbServerEnd, type GdbServerOptions } from "./server.ts";
export { type GuestInput, type StubOptions, waitsForInput } from "./stub.ts";
