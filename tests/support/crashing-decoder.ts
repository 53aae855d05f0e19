import { Socket } from 'node:net';
import { readFrames, writeFrame } from '../../models/decoder/frames.ts';
import { frameTypes } from '../../models/decoder/protocol.ts';

/**
 * A decoder that plays: it answers an image with its bytes, ends at `crash`, is silent at `hang`, and refuses `bad`.
 * `large` asks for the place of a large image and is answered with it; `large that dies` asks and ends.
 */
process.on('disconnect', () => process.exit(0));
const pipe = new Socket({ fd: 4, readable: true, writable: true });
pipe.on('error', () => process.exit(0));
let dying: number | undefined;

readFrames(pipe, ({ type, id, body }) => {
  if (type === frameTypes.largeGranted) {
    if (id === dying) return;
    writeFrame(pipe, frameTypes.largeDone, id);
    writeFrame(pipe, frameTypes.pixels, id, Buffer.from('large'));
    return;
  }
  if (type !== frameTypes.image) return;
  const text = body.toString();
  if (text === 'crash') process.kill(process.pid, 'SIGSEGV');
  else if (text === 'bad')
    writeFrame(pipe, frameTypes.failed, id, Buffer.from('{"code":"image.corrupt","message":"bad"}'));
  else if (text.startsWith('large')) {
    writeFrame(pipe, frameTypes.largeAsked, id);
    if (text === 'large') return;
    dying = id;
    // It may have its place by then.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 20);
  } else if (text !== 'hang') writeFrame(pipe, frameTypes.pixels, id, body);
});
