/** Command block registers, by offset from the channel's first port, named as in ATA-4 with CHS meanings in ATA-3. */
export const ATA_REGISTER = {
  DATA: 0,
  ERROR: 1,
  FEATURES: 1,
  SECTOR_COUNT: 2,
  SECTOR_NUMBER: 3,
  CYLINDER_LOW: 4,
  CYLINDER_HIGH: 5,
  DEVICE_HEAD: 6,
  STATUS: 7,
  COMMAND: 7,
} as const;

export const ATA_STATUS = {
  ERROR: 0x01,
  DATA_REQUEST: 0x08,
  SEEK_COMPLETE: 0x10,
  READY: 0x40,
  BUSY: 0x80,
} as const;

export const ATA_ERROR = {
  /** What EXECUTE DEVICE DIAGNOSTIC and a reset leave: nothing wrong. */
  DIAGNOSTIC_PASSED: 0x01,
  ABORTED: 0x04,
  ID_NOT_FOUND: 0x10,
} as const;

export const DEVICE_HEAD = { HEAD: 0x0f, DEVICE: 0x10, LBA: 0x40 } as const;
export const DEVICE_CONTROL = { INTERRUPT_DISABLE: 0x02, SOFTWARE_RESET: 0x04 } as const;

/** Command codes. RECALIBRATE and SEEK have sixteen each, of which the low bits mean nothing. */
export const ATA_COMMAND = {
  NOP: 0x00,
  RECALIBRATE: 0x10,
  READ_SECTORS: 0x20,
  READ_SECTORS_NO_RETRY: 0x21,
  WRITE_SECTORS: 0x30,
  WRITE_SECTORS_NO_RETRY: 0x31,
  READ_VERIFY: 0x40,
  READ_VERIFY_NO_RETRY: 0x41,
  SEEK: 0x70,
  DIAGNOSTIC: 0x90,
  INITIALIZE_PARAMETERS: 0x91,
  READ_MULTIPLE: 0xc4,
  WRITE_MULTIPLE: 0xc5,
  SET_MULTIPLE: 0xc6,
  STANDBY_IMMEDIATE: 0xe0,
  IDLE_IMMEDIATE: 0xe1,
  STANDBY: 0xe2,
  IDLE: 0xe3,
  READ_BUFFER: 0xe4,
  CHECK_POWER_MODE: 0xe5,
  SLEEP: 0xe6,
  FLUSH_CACHE: 0xe7,
  WRITE_BUFFER: 0xe8,
  IDENTIFY: 0xec,
  SET_FEATURES: 0xef,
} as const;

/** SET FEATURES subcommands. */
export const ATA_FEATURE = {
  WRITE_CACHE_ON: 0x02,
  TRANSFER_MODE: 0x03,
  KEEP_SETTINGS: 0x66,
  LOOK_AHEAD_OFF: 0x55,
  WRITE_CACHE_OFF: 0x82,
  LOOK_AHEAD_ON: 0xaa,
  DEFAULT_SETTINGS: 0xcc,
} as const;

/** Most sectors in a block of READ and WRITE MULTIPLE. */
export const MAXIMUM_MULTIPLE = 16;
