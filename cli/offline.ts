// The modules that score without a service. They load the pool of encoders, so commands import them on use.
export { scoreOffline } from './batch/score-offline.ts';
export { scoreTexts } from './score-texts.ts';
