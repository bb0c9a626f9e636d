// loads.cjs FOLDER: load the tfjs-node package that lies in FOLDER and compute with it; prints TensorFlow's version.
// A process of its own, because a library that does not fit the machine may end the process that loads it.
const util = require('node:util');

// tfjs-node 4.22 calls what Node 23 removed.
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
util.isArray ??= Array.isArray;

const tf = require(process.argv[2]);
const [product] = tf.matMul([[1, 2]], [[3], [4]]).dataSync();
if (tf.getBackend() !== 'tensorflow' || product !== 11)
  throw new Error(`computes ${product} on ${tf.getBackend()}`);
console.log(tf.backend().binding.TF_Version);
