// The modules that score without a service. They load the pool of encoders, so commands load them only when they score.
export { scoreOffline } from './batch/score-offline.ts';
export { scoreTexts } from './score-texts.ts';
