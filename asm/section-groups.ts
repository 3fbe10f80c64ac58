/** Sections that stay together, and of which a program has one copy (System V ABI, "Section Groups"). */
import type { ObjectFile, ObjectSymbol, Section, SectionGroup } from "./object-file.ts";

/** The sections of each group of an object, in the order of their first ones. */
export function groupsOf({ sections }: ObjectFile): Map<SectionGroup, Section[]> {
  const groups = new Map<SectionGroup, Section[]>();
  for (const section of sections) {
    if (section.group === undefined) continue;
    const members = groups.get(section.group);
    if (members === undefined) groups.set(section.group, [section]);
    else members.push(section);
  }
  return groups;
}

/**
 * The objects with one copy of each COMDAT group: that of the first object. What the others define in theirs, they refer to.
 * @param discarded where the sections that are left out are added
 */
export function withoutDuplicates(objects: readonly ObjectFile[], discarded: Set<Section>): ObjectFile[] {
  const known = new Set<string>();
  return objects.map((object) => {
    const before = discarded.size;
    for (const [{ isComdat, signature }, members] of groupsOf(object)) {
      if (!isComdat) continue;
      if (known.has(signature)) for (const section of members) discarded.add(section);
      known.add(signature);
    }
    if (discarded.size === before) return object;
    const isKept = (section: ObjectSymbol["section"]): boolean =>
      typeof section !== "object" || !discarded.has(section);
    return {
      name: object.name,
      sections: object.sections.filter(isKept),
      symbols: object.symbols.flatMap((symbol): ObjectSymbol[] => {
        if (isKept(symbol.section)) return [symbol];
        return symbol.binding === "local" ? [] : [{ ...symbol, section: undefined, value: 0, size: 0 }];
      }),
    };
  });
}
