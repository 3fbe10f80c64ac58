/** Text in lines of a width. */

/** Words into lines, those behind the first indented; a word that is longer has a line of its own. */
export function wrap(text: string, width: number, indent = ""): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((each) => each !== "")) {
    const isFirst = line === "" || line === indent;
    if (!isFirst && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent + word;
    } else line = isFirst ? line + word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}

/** Text that is written in lines, in lines of another width: what stands in columns stays as it is. */
export function rewrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let paragraph: string[] = [];
  const flush = () => {
    lines.push(...wrap(paragraph.join(" "), width));
    paragraph = [];
  };
  for (const line of text.split("\n")) {
    if (/\S {2,}\S/.test(line) || line === "") {
      flush();
      lines.push(line);
    } else paragraph.push(line);
  }
  flush();
  return lines;
}
