/** The programs that ship with the kernel. */
import init from "./init.S?raw";
import sleep from "./sleep.S?raw";
import spin from "./spin.S?raw";
import start from "./start.S?raw";

/** Where each goes in the file system, with its source. */
export const programs: Readonly<Record<string, { readonly file: string; readonly text: string }>> = {
  "/init": { file: "user/init.S", text: init },
  "/bin/sleep": { file: "user/sleep.S", text: sleep },
  "/bin/spin": { file: "user/spin.S", text: spin },
};

/** What they include, by name. */
export const includes: Readonly<Record<string, { readonly file: string; readonly text: string }>> = {
  "start.S": { file: "user/start.S", text: start },
};
