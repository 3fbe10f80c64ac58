/** Character devices by their numbers (fs/devices.c). */
import { kernel_function, kernel_variable } from "../host/declarations.ts";
import { array, i32, pointer, struct, u32 } from "../host/types.ts";
import { EBUSY, EINVAL } from "../include/linux/errno.ts";

export const MAX_CHRDEV = 255;

const device_struct = struct("device_struct", { name: pointer("char"), fops: pointer("file_operations") });

/** The driver of each major number. */
export const chrdevs = kernel_variable("chrdevs", array(device_struct, MAX_CHRDEV));

export function MKDEV(major: number, minor: number): number {
  return (major << 8) | minor;
}

export function MAJOR(device: number): number {
  return device >>> 8;
}

export function MINOR(device: number): number {
  return device & 0xff;
}

/**
 * Makes a driver the owner of a major number, 1 to 254, or with 0 of the highest that is free. Returns 0, or that number;
 * -EINVAL, or -EBUSY when it has an owner, or none is free. Device nodes are made by mknod(2) or come with the initramfs.
 */
export const register_chrdev = kernel_function(
  "register_chrdev",
  [u32, pointer("char"), pointer("file_operations")],
  i32,
  (major, name, fops) => {
    const own = major === 0 ? free_major() : major;
    if (own === 0) return -EBUSY;
    if (own >= MAX_CHRDEV) return -EINVAL;
    const device = chrdevs.value.get(own);
    if (device.fops !== 0 && device.fops !== fops) return -EBUSY;
    device.name = name;
    device.fops = fops;
    return major === 0 ? own : 0;
  },
);

/** The highest major number without a driver, or 0. @bounded by MAX_CHRDEV */
function free_major(): number {
  let major = MAX_CHRDEV - 1;
  while (major > 0 && chrdevs.value.get(major).fops !== 0) major--;
  return major;
}

/**
 * Takes a major number from the driver that registered it by this name. 0 or -EINVAL. Files of it that are open keep the
 * driver's operations.
 */
export const unregister_chrdev = kernel_function("unregister_chrdev", [u32, pointer("char")], i32, (major, name) => {
  if (major === 0 || major >= MAX_CHRDEV) return -EINVAL;
  const device = chrdevs.value.get(major);
  if (device.fops === 0 || device.name !== name) return -EINVAL;
  device.name = 0;
  device.fops = 0;
  return 0;
});

/** The operations of a character device, 0 when no driver is registered for it. */
export function get_chrfops(device: number): number {
  return MAJOR(device) < MAX_CHRDEV ? chrdevs.value.get(MAJOR(device)).fops : 0;
}
