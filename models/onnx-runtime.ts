// This import must be first: ONNX Runtime reads the telemetry setting when it is loaded.
import './telemetry-off.ts';

/** No other file imports `onnxruntime-node`. */
export { InferenceSession, Tensor } from 'onnxruntime-node';
