/** Which sources are not looked into: those under hosted code, whose business the host is. */

const HOST = /^(.*\/)kernel\/host\/[a-z-]+(\.d)?\.ts$/;

/** Whether a file belongs to the declarations and types that hosted code is made of. */
export function is_host_file(file: string): boolean {
  return HOST.test(file);
}

/** Whether a file is of those, or of the machine that the kernel runs on. @param files all files of the program */
export function trusted_files(files: readonly string[]): (file: string) => boolean {
  const homes = new Set(files.flatMap((file) => HOST.exec(file)?.[1] ?? []));
  return (file) =>
    [...homes].some(
      (home) => file.startsWith(home) && /^(kernel\/host|emulator|asm|boot)\//.test(file.slice(home.length)),
    );
}
