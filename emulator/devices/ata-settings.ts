import type { Snapshot } from "../snapshot.ts";
import { ATA_FEATURE, ATA_REGISTER, DEVICE_HEAD, MAXIMUM_MULTIPLE } from "./ata-registers.ts";
import type { Disk, DiskGeometry } from "./disk.ts";

const MAXIMUM_CYLINDERS = 65_535;
const PIO_FLOW_CONTROL = 0x08;
const PIO_MODES = 5;

/** What programs can set in an ATA drive. Setting commands take the command block registers and return false to abort. */
export class AtaSettings {
  /** How cylinder, head and sector numbers stand for blocks. */
  geometry: DiskGeometry;
  /** Sectors in a block of READ and WRITE MULTIPLE, 0 when those are disabled. */
  multiple = 0;
  writeCache = true;
  lookAhead = true;
  /** SET FEATURES 66h: a software reset changes nothing. */
  #kept = false;

  constructor(readonly disk: Disk) {
    this.geometry = disk.geometry;
  }

  /** Power-on and hardware reset. */
  powerOn(): void {
    this.#kept = false;
    this.reset();
  }

  /** Software reset. */
  reset(): void {
    if (this.#kept) return;
    this.geometry = this.disk.geometry;
    this.multiple = 0;
    this.writeCache = this.lookAhead = true;
  }

  snapshot(s: Snapshot): void {
    const { cylinders, heads, sectors } = this.geometry;
    this.geometry = {
      cylinders: s.integer(cylinders, 1, MAXIMUM_CYLINDERS),
      heads: s.integer(heads, 1, 16),
      sectors: s.integer(sectors, 1, 255),
    };
    this.multiple = s.integer(this.multiple, 0, MAXIMUM_MULTIPLE);
    this.writeCache = s.flag(this.writeCache);
    this.lookAhead = s.flag(this.lookAhead);
    this.#kept = s.flag(this.#kept);
  }

  /** INITIALIZE DEVICE PARAMETERS: as many cylinders as fit, at least one. */
  initializeParameters(registers: Uint8Array): boolean {
    const sectors = registers[ATA_REGISTER.SECTOR_COUNT];
    const heads = (registers[ATA_REGISTER.DEVICE_HEAD] & DEVICE_HEAD.HEAD) + 1;
    const cylinders = sectors === 0 ? 0 : Math.floor(this.disk.sectors / (heads * sectors));
    if (cylinders === 0) return false;
    this.geometry = { cylinders: Math.min(MAXIMUM_CYLINDERS, cylinders), heads, sectors };
    return true;
  }

  /** SET MULTIPLE MODE: a power of two up to the limit; 0 disables READ and WRITE MULTIPLE. */
  setMultiple(registers: Uint8Array): boolean {
    const count = registers[ATA_REGISTER.SECTOR_COUNT];
    if (count > MAXIMUM_MULTIPLE || (count & (count - 1)) !== 0) return false;
    this.multiple = count;
    return true;
  }

  /** SET FEATURES. All PIO modes are alike, and there is no DMA. */
  setFeatures(registers: Uint8Array): boolean {
    switch (registers[ATA_REGISTER.FEATURES]) {
      case ATA_FEATURE.WRITE_CACHE_ON:
        this.writeCache = true;
        return true;
      case ATA_FEATURE.WRITE_CACHE_OFF:
        this.writeCache = false;
        return true;
      case ATA_FEATURE.LOOK_AHEAD_ON:
        this.lookAhead = true;
        return true;
      case ATA_FEATURE.LOOK_AHEAD_OFF:
        this.lookAhead = false;
        return true;
      case ATA_FEATURE.KEEP_SETTINGS:
        this.#kept = true;
        return true;
      case ATA_FEATURE.DEFAULT_SETTINGS:
        this.#kept = false;
        return true;
      case ATA_FEATURE.TRANSFER_MODE:
        return isPioMode(registers[ATA_REGISTER.SECTOR_COUNT]);
      default:
        return false;
    }
  }
}

/** The default mode with or without IORDY, or one of the flow control modes. */
function isPioMode(value: number): boolean {
  return value <= 1 || (value >= PIO_FLOW_CONTROL && value < PIO_FLOW_CONTROL + PIO_MODES);
}
