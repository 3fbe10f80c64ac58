/** Making device nodes (fs/namei.c). They are all that can be made: the files are those of the initramfs. */
import { kernel_function, local } from "../host/declarations.ts";
import { i32, u32 } from "../host/types.ts";
import { strlcpy } from "../include/asm/string.ts";
import { ENOMEM, EPERM, EROFS } from "../include/linux/errno.ts";
import { nameidata, PATH_LENGTH, S_IFCHR, S_IFMT, S_IFREG } from "../include/linux/fs.ts";
import { current, fs_struct } from "../include/linux/sched.ts";
import { inode_name, insert_inode, new_inode } from "./inode.ts";
import { lookup_new } from "./namei.ts";

/** Of a device number, as programs have it: what is above are bits of majors and minors that there are not here. */
const DEVICE = 0xffff;

/**
 * mknod(2): a node for a character device, whether it has a driver or not. -EPERM for other kinds of nodes, -EROFS for a
 * regular file.
 * @context might_sleep
 */
export const sys_mknod = kernel_function("sys_mknod", [u32, u32, u32], i32, function* (filename, mode, device) {
  const type: u32 = mode & S_IFMT;
  if (type === 0 || type === S_IFREG) return -EROFS;
  if (type !== S_IFCHR) return -EPERM;
  const nd = local(nameidata);
  const error = yield* lookup_new(nd, filename);
  if (error !== 0) return error;
  const made = yield* new_inode();
  if (made === undefined) return -ENOMEM;
  made.i_mode = mode & ~fs_struct.at(current().fs).umask;
  made.i_rdev = device & DEVICE;
  made.i_nlink = 1;
  yield* strlcpy(inode_name(made.address), nd.path.address, PATH_LENGTH);
  yield* insert_inode(made);
  return 0;
});
