/** Reading directories (fs/readdir.c). A directory is what the other names say: its entries are the inodes below it. */
import { stack_local } from "../host/context.ts";
import { kernel_function } from "../host/declarations.ts";
import { write_bytes } from "../host/memory.ts";
import { memset } from "../include/asm/string.ts";
import { i32, struct, u8, u16, u32 } from "../host/types.ts";
import { copy_to_user } from "../include/asm/uaccess.ts";
import { EBADF, EFAULT, EINVAL, ENOTDIR } from "../include/linux/errno.ts";
import { file, inode, PATH_LENGTH, S_IFDIR, S_IFMT } from "../include/linux/fs.ts";
import { fget, fput } from "./file_table.ts";
import { find_inode, for_each_inode } from "./inode.ts";
import { normalize_path } from "./namei.ts";

const linux_dirent64 = struct("linux_dirent64", {
  d_ino: u32,
  d_ino_high: u32,
  /** Position of the entry behind this one. */
  d_off: u32,
  d_off_high: u32,
  d_reclen: u16,
  d_type: u8,
});
const D_NAME = linux_dirent64.offset("d_type") + 1;
const RECORD_ALIGNMENT = 8;
const MAX_RECORD = D_NAME + PATH_LENGTH + RECORD_ALIGNMENT;
/** d_type is the file type of st_mode, moved down. */
const DT_SHIFT = 12;

/** Names and inodes of a directory's entries: `.`, `..`, then the others in the order they were made. */
function entries_of(directory: inode): { name: string; node: number }[] {
  const path = directory.i_name;
  const prefix = path === "/" ? "/" : `${path}/`;
  const below: { name: string; node: number }[] = [];
  for (const node of for_each_inode()) {
    const { i_name } = inode.at(node);
    const name = i_name.startsWith(prefix) ? i_name.slice(prefix.length) : "";
    if (name !== "" && !name.includes("/")) below.push({ name, node });
  }
  const parent = find_inode(normalize_path(`${path}/..`)) || directory.address;
  return [{ name: ".", node: directory.address }, { name: "..", node: parent }, ...below.reverse()];
}

/**
 * getdents64(2): as many entries as fit into the buffer. Returns bytes, 0 at the end, -EINVAL when not even one fits.
 */
export const sys_getdents64 = kernel_function(
  "sys_getdents64",
  [i32, u32, u32],
  i32,
  function* (fd, buffer, count) {
    const at = fget(fd);
    if (at === 0) return -EBADF;
    const filp = file.at(at);
    const directory = inode.at(filp.f_inode);
    let result = (directory.i_mode & S_IFMT) === S_IFDIR ? 0 : -ENOTDIR;
    if (result === 0) {
      const local = linux_dirent64.at(stack_local(MAX_RECORD));
      for (const { name, node } of entries_of(directory).slice(filp.f_pos)) {
        const length = Math.ceil((D_NAME + name.length + 1) / RECORD_ALIGNMENT) * RECORD_ALIGNMENT;
        if (result + length > count) {
          if (result === 0) result = -EINVAL;
          break;
        }
        yield* memset(local.address, 0, length);
        local.d_ino = inode.at(node).i_ino;
        local.d_off = filp.f_pos + 1;
        local.d_reclen = length;
        local.d_type = (inode.at(node).i_mode & S_IFMT) >>> DT_SHIFT;
        write_bytes(
          local.address + D_NAME,
          Uint8Array.from(name, (c) => c.charCodeAt(0)),
        );
        if ((yield* copy_to_user(buffer + result, local.address, length)) !== 0) {
          if (result === 0) result = -EFAULT;
          break;
        }
        filp.f_pos++;
        result += length;
      }
    }
    yield* fput(at);
    return result;
  },
  { locals: MAX_RECORD },
);
