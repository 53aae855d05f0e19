// The order of these imports matters: ONNX Runtime reads the telemetry setting when it is loaded.
import './telemetry-off.ts';

/** Exports ONNX Runtime. No other file imports `onnxruntime-node`. */
export { InferenceSession, Tensor } from 'onnxruntime-node';
