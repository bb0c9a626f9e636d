/* A process that carries out units of the measurement. */
import { serve } from '../src/core/work/serve.js';
import { napKind } from './scaleKind.js';

serve(await napKind.load());
