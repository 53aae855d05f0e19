import { readFile } from 'node:fs/promises';
import type { Reading } from '../../shared/telemetry/readings.ts';
import type { EncoderPool } from './pool.ts';

/**
 * Returns the current encoder metrics of a model. Labels have no revision, so the values of two loaded revisions add
 * up.
 */
export async function readPool(model: string, pool: EncoderPool): Promise<Reading[]> {
  const { ready, configured, restarts, waiting, inFlight } = pool.state();
  const resident = await Promise.all(pool.pids().map(residentBytes));
  const known = resident.filter((bytes) => bytes !== undefined);
  return [
    { name: 'vls_encoders', labels: { model, state: 'ready' }, value: ready },
    { name: 'vls_encoders', labels: { model, state: 'configured' }, value: configured },
    { name: 'vls_encoder_restarts_total', labels: { model }, value: restarts },
    { name: 'vls_encoder_tasks', labels: { model, state: 'waiting' }, value: waiting },
    { name: 'vls_encoder_tasks', labels: { model, state: 'in_flight' }, value: inFlight },
    ...(known.length === 0
      ? []
      : [
          {
            name: 'vls_encoder_memory_bytes' as const,
            labels: { model },
            value: known.reduce((sum, bytes) => sum + bytes, 0),
          },
        ]),
  ];
}

/** Returns the resident memory in bytes; undefined on systems other than Linux. */
async function residentBytes(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}
