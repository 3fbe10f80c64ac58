/** Red-black trees: whatever is put in and taken out, they are in order, balanced and linked both ways. */
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { memory } from "../../../kernel/host/memory.ts";
import { rb_erase, rb_insert_color, rb_link_node, rb_next, rb_node, rb_root } from "../../../kernel/lib/rbtree.ts";
import { kernel_image } from "../../../kernel/link.ts";
import { GFP_KERNEL, kmalloc } from "../../../kernel/module.ts";
import { Harness } from "../harness.ts";

const RED = 0;
const KEYS = 32;

let harness: Harness;
let root: number;
/** Each key's node, with its key behind it. */
let nodes: number[];

beforeAll(() => {
  harness = new Harness(1024, "fork_init", kernel_image({ scheduler: "fair" }));
  const allocated = harness.run(() => kmalloc(rb_root.size + KEYS * (rb_node.size + 4), GFP_KERNEL));
  root = allocated;
  nodes = Array.from({ length: KEYS }, (_, key) => root + rb_root.size + key * (rb_node.size + 4));
  for (const [key, node] of nodes.entries()) harness.inspect(() => memory().write32(node + rb_node.size, key));
});

const key_of = (node: number): number => memory().read32(node + rb_node.size);

function insert(key: number): void {
  harness.inspect(() => {
    let parent = 0;
    let link = root + rb_root.offset("rb_node");
    for (let at = rb_root.at(root).rb_node; at !== 0; at = memory().read32(link) >>> 0) {
      parent = at;
      link = at + rb_node.offset(key < key_of(at) ? "rb_left" : "rb_right");
    }
    rb_link_node(nodes[key], parent, link);
  });
  harness.run(() => rb_insert_color(nodes[key], root));
}

/** Black nodes on every way down from a node. @throws Error when they differ, a red node has a red child, or a link back is wrong */
function black_height(node: number, parent: number): number {
  if (node === 0) return 1;
  const { rb_left, rb_right, rb_color, rb_parent } = rb_node.at(node);
  if (rb_parent !== parent) throw new Error(`${key_of(node)} is not below ${parent}`);
  for (const child of [rb_left, rb_right]) {
    if (rb_color === RED && child !== 0 && rb_node.at(child).rb_color === RED) throw new Error("red below red");
  }
  const [left, right] = [black_height(rb_left, node), black_height(rb_right, node)];
  if (left !== right) throw new Error(`below ${key_of(node)} there are ${left} and ${right} black nodes`);
  return left + (rb_color === RED ? 0 : 1);
}

function in_order(): number[] {
  const keys: number[] = [];
  let at = harness.inspect(() => leftmost(rb_root.at(root).rb_node));
  for (; at !== 0; at = harness.run(() => rb_next(at))) keys.push(harness.inspect(() => key_of(at)));
  return keys;
}

function leftmost(node: number): number {
  const below = node === 0 ? 0 : rb_node.at(node).rb_left;
  return below === 0 ? node : leftmost(below);
}

it("keep their order and their balance", () => {
  const keys = fc.array(fc.nat(KEYS - 1), { minLength: 60, maxLength: 100 });
  fc.assert(
    fc.property(keys, (toggled) => {
      const present = new Set<number>();
      harness.inspect(() => (rb_root.at(root).rb_node = 0));
      for (const key of toggled) {
        if (present.delete(key)) harness.run(() => rb_erase(nodes[key], root));
        else {
          present.add(key);
          insert(key);
        }
        harness.inspect(() => {
          const top = rb_root.at(root).rb_node;
          if (top !== 0) expect(rb_node.at(top).rb_color).not.toBe(RED);
          black_height(top, 0);
        });
        expect(in_order()).toEqual([...present].sort((a, b) => a - b));
      }
    }),
    { numRuns: 10 },
  );
});
