import type { Command } from '../command.js';
import { spaceCommand } from './space.js';

/** All commands, in the order of `rxnas --help`. */
export const commands: readonly Command[] = [spaceCommand];
