/**
 * Red-black trees (lib/rbtree.c): nodes that lie in what is sorted. Whoever inserts goes down the tree, links the node and has it
 * coloured. All functions take linear addresses; 0 is no node. The tree's owner has it to itself while a function runs.
 */
import type { Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { pointer, struct, u32 } from "../host/types.ts";

export const rb_node = struct("rb_node", {
  rb_parent: pointer("rb_node"),
  rb_right: pointer("rb_node"),
  rb_left: pointer("rb_node"),
  /** RB_RED or RB_BLACK; no node counts as black. */
  rb_color: u32,
});

/** `rb_node` is the topmost. */
export const rb_root = struct("rb_root", { rb_node: pointer("rb_node") });

const RB_RED = 0;
const RB_BLACK = 1;

function is_red(node: number): boolean {
  return node !== 0 && rb_node.at(node).rb_color === RB_RED;
}

function parent_of(node: number): u32 {
  return rb_node.at(node).rb_parent;
}

/** The child on one side. */
function child(node: number, left: boolean): u32 {
  return left ? rb_node.at(node).rb_left : rb_node.at(node).rb_right;
}

function set_child(node: number, left: boolean, to: number): void {
  if (left) rb_node.at(node).rb_left = to;
  else rb_node.at(node).rb_right = to;
}

/** Has whatever has `old` below it have `by` there. */
function replace_below(parent: number, old: number, by: number, root: number): void {
  if (parent === 0) rb_root.at(root).rb_node = by;
  else set_child(parent, rb_node.at(parent).rb_left === old, by);
}

/** Turns a node down to the side `left`; its other child comes up. */
function rotate(node: number, left: boolean, root: number): void {
  const up = child(node, !left);
  const inner = child(up, left);
  const parent = parent_of(node);
  set_child(node, !left, inner);
  if (inner !== 0) rb_node.at(inner).rb_parent = node;
  set_child(up, left, node);
  rb_node.at(up).rb_parent = parent;
  replace_below(parent, node, up, root);
  rb_node.at(node).rb_parent = up;
}

/** Makes a node a leaf: `link` is the address of the pointer in `parent`, or in the root, that is to name it. */
export function rb_link_node(node: number, parent: number, link: number): void {
  const own = rb_node.at(node);
  own.rb_parent = parent;
  own.rb_color = RB_RED;
  own.rb_left = 0;
  own.rb_right = 0;
  memory().write32(link, node);
}

function set_color(node: number, color: number): void {
  rb_node.at(node).rb_color = color;
}

/** Balances the tree after rb_link_node(). */
export function* rb_insert_color(inserted: u32, root: u32): Steps<void> {
  let node: u32 = inserted;
  while (is_red(parent_of(node))) {
    let parent: u32 = parent_of(node);
    const grandparent = parent_of(parent);
    const left = rb_node.at(grandparent).rb_left === parent;
    const uncle = child(grandparent, !left);
    if (is_red(uncle)) {
      set_color(uncle, RB_BLACK);
      set_color(parent, RB_BLACK);
      set_color(grandparent, RB_RED);
      node = grandparent;
      continue;
    }
    if (child(parent, !left) === node) {
      rotate(parent, left, root);
      parent = node;
    }
    set_color(parent, RB_BLACK);
    set_color(grandparent, RB_RED);
    rotate(grandparent, !left, root);
    break;
  }
  set_color(rb_root.at(root).rb_node, RB_BLACK);
}

/** Below `above`, on the side where `below` is (or nothing), a black node is missing. */
function* rb_erase_color(below: u32, above: u32, root: u32): Steps<void> {
  let node: u32 = below;
  let parent: u32 = above;
  while (!is_red(node) && node !== rb_root.at(root).rb_node) {
    const left = rb_node.at(parent).rb_left === node;
    let other: u32 = child(parent, !left);
    if (is_red(other)) {
      set_color(other, RB_BLACK);
      set_color(parent, RB_RED);
      rotate(parent, left, root);
      other = child(parent, !left);
    }
    if (!is_red(child(other, true)) && !is_red(child(other, false))) {
      set_color(other, RB_RED);
      node = parent;
      parent = parent_of(node);
      continue;
    }
    if (!is_red(child(other, !left))) {
      set_color(child(other, left), RB_BLACK);
      set_color(other, RB_RED);
      rotate(other, !left, root);
      other = child(parent, !left);
    }
    set_color(other, rb_node.at(parent).rb_color);
    set_color(parent, RB_BLACK);
    set_color(child(other, !left), RB_BLACK);
    rotate(parent, left, root);
    node = rb_root.at(root).rb_node;
    break;
  }
  if (node !== 0) set_color(node, RB_BLACK);
}

/** Puts `by` where `node` is, with everything that hangs there. */
function take_place(node: number, by: number, root: number): void {
  const [old, own] = [rb_node.at(node), rb_node.at(by)];
  own.rb_parent = old.rb_parent;
  own.rb_color = old.rb_color;
  own.rb_left = old.rb_left;
  own.rb_right = old.rb_right;
  replace_below(old.rb_parent, node, by, root);
  if (old.rb_left !== 0) rb_node.at(old.rb_left).rb_parent = by;
  if (old.rb_right !== 0) rb_node.at(old.rb_right).rb_parent = by;
}

/** Takes out a node that has one child at most; it keeps its own fields. */
function unlink_one(node: number, root: number): void {
  const { rb_left, rb_right, rb_parent } = rb_node.at(node);
  const below = rb_left === 0 ? rb_right : rb_left;
  if (below !== 0) rb_node.at(below).rb_parent = rb_parent;
  replace_below(rb_parent, node, below, root);
}

/** The one child of a node that has no more, or 0. */
function only_child(node: number): u32 {
  const { rb_left, rb_right } = rb_node.at(node);
  return rb_left === 0 ? rb_right : rb_left;
}

/** Takes a node out of the tree. */
export function* rb_erase(node: u32, root: u32): Steps<void> {
  let out: u32 = node;
  if (rb_node.at(node).rb_left !== 0 && rb_node.at(node).rb_right !== 0) {
    // The next one in order has no left child: that leaves its place, and takes the node's.
    for (out = rb_node.at(node).rb_right; rb_node.at(out).rb_left !== 0; ) out = rb_node.at(out).rb_left;
  }
  const below = only_child(out);
  const was_black = rb_node.at(out).rb_color === RB_BLACK;
  let parent: u32 = parent_of(out);
  unlink_one(out, root);
  if (out !== node) {
    if (parent === node) parent = out;
    take_place(node, out, root);
  }
  if (was_black) yield* rb_erase_color(below, parent, root);
}

/** The node behind another in order, 0 for the last. */
export function* rb_next(from: u32): Steps<u32> {
  let node: u32 = from;
  if (rb_node.at(node).rb_right !== 0) {
    for (node = rb_node.at(node).rb_right; rb_node.at(node).rb_left !== 0; ) node = rb_node.at(node).rb_left;
    return node;
  }
  let parent: u32 = parent_of(node);
  while (parent !== 0 && rb_node.at(parent).rb_right === node) {
    node = parent;
    parent = parent_of(node);
  }
  return parent;
}
