// The modules that score without a service. They load the pool of encoders, so commands import this file only when they
// score.
export { scoreOffline } from './batch/score-offline.ts';
export { scoreTexts } from './score-texts.ts';
