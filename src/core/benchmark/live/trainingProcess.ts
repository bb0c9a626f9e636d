/* A process that trains cells for the one that forked it. */
import { serve } from '../../work/serve.js';
import { trainCell } from './trainCell.js';

serve(trainCell);
