/**
 * From a graph to WebAssembly's nested blocks and loops.
 *
 * Strongly connected components, in the order of the edges between them, become code behind nested blocks, so that an edge
 * forward is a branch to the end of a block. A component that is a circle with one way in becomes a `loop`; one with several
 * becomes a `loop` that begins with a jump by number. Edges back to where a loop begins are taken out of it, and what is
 * left is laid out the same way.
 */
import type { Code, Label } from "./wasm.ts";

/** Nodes are numbered. */
export interface Graph {
  readonly successors: readonly (readonly number[])[];
  /** Nodes entered from outside. */
  readonly entries: readonly number[];
}

/** How to get to a node. */
export interface Way {
  readonly label: Label;
  /** What the local that chooses must be, or -1. */
  readonly choice: number;
}

/** A strongly connected component. */
interface Part {
  readonly nodes: readonly number[];
  /** Where it is entered from outside of it. */
  readonly heads: readonly number[];
  readonly isLoop: boolean;
}

const NONE: ReadonlySet<number> = new Set();

/** The parts of some nodes, without the edges to those in `cut`: edges lead to later parts. `entered` come from elsewhere. */
function partsOf(
  graph: Graph,
  nodes: readonly number[],
  cut: ReadonlySet<number>,
  entered: ReadonlySet<number>,
): Part[] {
  return components(graph, nodes, cut).map((component) => {
    const isLoop =
      component.length > 1 || (!cut.has(component[0]) && graph.successors[component[0]].includes(component[0]));
    return { nodes: component, heads: isLoop ? headsOf(graph, component, entered) : component, isLoop };
  });
}

/** What a loop consists of, once the edges to its heads are gone: nodes, and the edges to cut. */
function insideOf({ nodes, heads }: Part): [readonly number[], ReadonlySet<number>] {
  if (heads.length === 1) return [nodes.filter((node) => node !== heads[0]), NONE];
  return [nodes, new Set(heads)];
}

function headsOf(graph: Graph, component: readonly number[], entered: ReadonlySet<number>): number[] {
  const inside = new Set(component);
  const heads = new Set(component.filter((node) => entered.has(node)));
  graph.successors.forEach((targets, node) => {
    if (!inside.has(node)) for (const target of targets) if (inside.has(target)) heads.add(target);
  });
  return [...heads];
}

/** Strongly connected components, by Tarjan's algorithm. */
function components(graph: Graph, nodes: readonly number[], cut: ReadonlySet<number>): number[][] {
  const inside = new Set(nodes);
  const order = new Map<number, number>();
  const low = new Map<number, number>();
  const stack: number[] = [];
  const onStack = new Set<number>();
  const result: number[][] = [];
  const visit = (node: number) => {
    const number = order.size;
    let lowest = number;
    order.set(node, number);
    stack.push(node);
    onStack.add(node);
    for (const target of graph.successors[node]) {
      if (!inside.has(target) || cut.has(target)) continue;
      if (!order.has(target)) {
        visit(target);
        lowest = Math.min(lowest, low.get(target)!);
      } else if (onStack.has(target)) {
        lowest = Math.min(lowest, order.get(target)!);
      }
    }
    low.set(node, lowest);
    if (lowest !== number) return;
    const component = stack.splice(stack.indexOf(node));
    for (const member of component) onStack.delete(member);
    result.push(component);
  };
  for (const node of nodes) if (!order.has(node)) visit(node);
  return result.reverse();
}

/** Nodes at which loops begin: every circle in the graph has one. */
export function loopHeads(graph: Graph): Set<number> {
  const heads = new Set<number>();
  const visit = (nodes: readonly number[], cut: ReadonlySet<number>, entered: ReadonlySet<number>) => {
    for (const part of partsOf(graph, nodes, cut, entered)) {
      if (!part.isLoop) continue;
      for (const head of part.heads) heads.add(head);
      const [inner, innerCut] = insideOf(part);
      visit(inner, innerCut, NONE);
    }
  };
  visit([...graph.successors.keys()], NONE, new Set(graph.entries));
  return heads;
}

/**
 * Emits a graph.
 * @param choose the local that says which of several heads of a loop to go to
 * @param begin emits what comes first, given the ways to the entries
 * @param emit emits a node, given the way to each of its successors
 * Neither goes on behind what it emits.
 */
export function emitGraph(
  code: Code,
  graph: Graph,
  choose: number,
  begin: (ways: readonly Way[]) => void,
  emit: (node: number, wayTo: (node: number) => Way) => void,
): void {
  const ways = new Map<number, Way>();
  const wayTo = (node: number) => ways.get(node)!;
  const layOut = (
    nodes: readonly number[],
    cut: ReadonlySet<number>,
    entered: ReadonlySet<number>,
    first: (labels: ReadonlyMap<number, Label>) => void,
  ) => {
    const parts = partsOf(graph, nodes, cut, entered);
    const labels = new Map<number, Label>();
    for (const { heads } of parts.toReversed()) {
      const label = code.block();
      heads.forEach((head, i) => {
        labels.set(head, label);
        if (!cut.has(head)) ways.set(head, { label, choice: heads.length > 1 ? i : -1 });
      });
    }
    first(labels);
    for (const part of parts) {
      code.end();
      if (part.isLoop) emitLoop(part);
      else emit(part.nodes[0], wayTo);
    }
  };
  const emitLoop = (part: Part) => {
    const { heads } = part;
    const label = code.loop();
    heads.forEach((head, i) => {
      ways.set(head, { label, choice: heads.length > 1 ? i : -1 });
    });
    const [nodes, cut] = insideOf(part);
    layOut(nodes, cut, NONE, (labels) => {
      if (heads.length === 1) {
        emit(heads[0], wayTo);
        return;
      }
      code.get(choose);
      code.brTable(heads.map((head) => labels.get(head)!));
    });
    code.end();
  };
  layOut([...graph.successors.keys()], NONE, new Set(graph.entries), () => begin(graph.entries.map(wayTo)));
}
