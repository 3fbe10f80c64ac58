/** What the declarations of hosted source mean to plain JavaScript: the other half of the differential tests. */
import { with_context } from "../../../kernel/host/context.ts";
import { by_value, type Parameter } from "../../../kernel/host/declarations.ts";
import { HostedMemory } from "../../../kernel/host/hosted-memory.ts";
import { read_value, type ScalarType, type Type, u8, u32, write_value } from "../../../kernel/host/types.ts";

type Body = (...args: unknown[]) => Generator<unknown, unknown> | unknown;

/** A place in memory with a value. */
class Place {
  constructor(
    readonly type: Type,
    readonly address: number,
  ) {}
  get value(): unknown {
    return read_value(this.type, this.address);
  }
  set value(value: unknown) {
    write_value(this.type, this.address, value as number);
  }
}

export class PlainMachine {
  readonly #view = new DataView(new ArrayBuffer(1 << 20));
  #end = 0x1000;
  readonly variables = new Map<string, Place>();
  readonly functions = new Map<number, Body>();
  readonly symbols = new Map<string, number>();
  readonly #memory = HostedMemory.of({
    read8: (at) => this.#view.getUint8(at >>> 0),
    read16: (at) => this.#view.getUint16(at >>> 0, true),
    read32: (at) => this.#view.getInt32(at >>> 0, true),
    write8: (at, value) => this.#view.setUint8(at >>> 0, value),
    write16: (at, value) => this.#view.setUint16(at >>> 0, value, true),
    write32: (at, value) => this.#view.setInt32(at >>> 0, value, true),
  });

  reserve(bytes: number): number {
    const at = this.#end;
    this.#end += (bytes + 15) & ~15;
    return at;
  }

  run<T>(body: () => T): T {
    const image = {
      cpus: 1,
      stacks: undefined,
      configured: new Set<string>(),
      addresses: new Uint32Array(0),
      symbol: (name: string) => this.symbols.get(name)!,
      symbolize: String,
      function_at: () => undefined,
      data_at: () => undefined,
      line_at: () => undefined,
    };
    return with_context(undefined, { image, trace: () => {}, tracing: false }, this.#memory, body);
  }

  place(type: Type): unknown {
    const address = this.reserve(type.size);
    return type.kind === "struct" ? type.at(address) : new Place(type, address);
  }
}

/** The module `host/declarations.ts` for plain runs. */
export function plain_declarations(machine: PlainMachine): object {
  const callable = (name: string, body: Body, returns: ScalarType | undefined) => {
    const address = machine.reserve(4);
    machine.functions.set(address, body);
    machine.symbols.set(name, address);
    return Object.assign(body, { address, symbol: name, returns });
  };
  return {
    by_value,
    kernel_function(name: string, parameters: readonly Parameter[], returns: ScalarType | undefined, body: Body) {
      function* run(...args: unknown[]): Generator<unknown, unknown> {
        const given = parameters.map((type, i) =>
          type.kind === "scalar" ? type.from_register(args[i] as number) : args[i],
        );
        const made = body(...given);
        const is_generator = typeof made === "object" && made !== null && "next" in made;
        const value = is_generator ? yield* made as Generator<unknown, unknown> : made;
        return returns?.from_register(value as number);
      }
      return callable(name, run, returns);
    },
    asm_function(name: string, _parameters: unknown, returns: ScalarType | undefined) {
      return callable(
        name,
        function* (value) {
          return returns?.from_register((value as number) * 2);
        },
        returns,
      );
    },
    call_pointer: (address: number, returns: ScalarType | undefined, ...args: unknown[]) =>
      (function* (): Generator<unknown, unknown> {
        const value = yield* machine.functions.get(address)!(...args) as Generator<unknown, unknown>;
        return returns?.from_register(value as number);
      })(),
    local: (type: Type) => machine.place(type),
    kernel_variable(name: string, type: Type, initial?: number) {
      const place = new Place(type, machine.reserve(type.size));
      if (initial !== undefined) place.value = initial;
      machine.variables.set(name, place);
      return place;
    },
    kernel_table(_name: string, words: readonly (number | string)[]) {
      const at = machine.reserve(4 * words.length);
      // It may name functions that the module declares later.
      return {
        get address() {
          for (const [i, word] of words.entries())
            write_value(u32, at + 4 * i, typeof word === "number" ? word : machine.symbols.get(word)!);
          return at;
        },
      };
    },
    cstring(text: string) {
      const address = machine.reserve(text.length + 1);
      machine.run(() => {
        for (let i = 0; i < text.length; i++) write_value(u8, address + i, text.charCodeAt(i));
      });
      return { address };
    },
  };
}
