/* A process that carries out units of a sweep for the one that forked it. */
import { serve } from '../../core/work/serve.js';
import { runUnit, type SweepUnit } from './unit.js';
import { folderVariable } from './unitKind.js';

serve((unit: SweepUnit) => runUnit(unit, { folder: process.env[folderVariable] }));
