/* A process that carries out searches of a sweep for the one that forked it. */
import { serve } from '../core/work/serve.js';
import { runEntry } from './entry.js';

serve(runEntry);
