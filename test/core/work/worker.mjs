/* A worker whose units say what happens to it. Runs the compiled code, as real workers do. */
import { dataError } from '../../../dist/core/errors.js';
import { serve } from '../../../dist/core/work/serve.js';
import { handler } from './handler.mjs';

serve(handler(dataError));
