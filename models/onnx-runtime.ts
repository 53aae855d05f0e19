// In this order: the library is loaded after its telemetry is switched off, however this process was started.
import './telemetry-off.ts';

/** ONNX Runtime. No other file imports the package. */
export { InferenceSession, Tensor } from 'onnxruntime-node';
