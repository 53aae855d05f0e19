const endpoint = new URL('v1/evaluation/single', document.baseURI).href;
const at = (id) => document.getElementById(id);

/** The image to upload. The form has this or an address, never both. */
let picked;

function pick(file) {
  URL.revokeObjectURL(at('preview').src);
  picked = file;
  at('chosen').textContent = file ? `${file.name}.` : 'No image yet.';
  at('preview').hidden = !file;
  at('preview').src = file ? URL.createObjectURL(file) : '';
  if (file) at('url').value = '';
  else at('file').value = '';
}
// Formats that the service reads and the browser does not show, such as TIFF.
at('preview').addEventListener('error', () => {
  at('preview').hidden = true;
});
// Without a file the dialog was cancelled.
at('file').addEventListener('change', () => at('file').files[0] && pick(at('file').files[0]));
at('url').addEventListener('input', () => picked && pick());

// On the window, so that a file dropped beside the field does not replace the page.
for (const type of ['dragover', 'dragleave', 'drop']) {
  window.addEventListener(type, (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    at('drop').classList.toggle('over', type === 'dragover');
    if (type === 'drop' && event.dataTransfer.files[0]) pick(event.dataTransfer.files[0]);
  });
}
window.addEventListener('paste', (event) => {
  const file = event.clipboardData?.files[0];
  if (file) pick(file);
});

at('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const lines = at('texts').value.split('\n');
  const texts = lines.map((line) => line.trim()).filter((line) => line !== '');
  const url = at('url').value.trim();
  at('problem').hidden = true;
  if (!picked && url === '') return fail('Choose an image, or give the address of one.', at('file'));
  if (texts.length === 0) return fail('Write at least one caption.', at('texts'));
  at('submit').disabled = true;
  at('status').textContent = 'Scoring…';
  const curl = curlOf(url, texts);
  try {
    const response = await fetch(endpoint, { method: 'POST', ...requestOf(url, texts) });
    const answer = await response.json();
    if (response.ok) show(answer, texts, curl);
    else fail(`${answer.title}. ${answer.detail} (${answer.code}, request ${answer.requestId})`);
  } catch (error) {
    fail(`The service gave no answer that can be read: ${error.message}`);
  } finally {
    at('submit').disabled = false;
  }
});

function fail(message, field) {
  at('status').textContent = '';
  at('result').hidden = true;
  at('problem').textContent = message;
  at('problem').hidden = false;
  field?.focus();
}

function requestOf(url, texts) {
  const json = { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ image: url, text: texts }) };
  if (!picked) return json;
  const body = new FormData();
  body.append('image', picked);
  for (const text of texts) body.append('text', text);
  return { body };
}

function curlOf(url, texts) {
  const quoted = (word) => `'${word.replaceAll("'", `'\\''`)}'`;
  const parts = picked
    ? [`-F ${quoted(`image=@"${picked.name}"`)}`, ...texts.map((text) => `--form-string ${quoted(`text=${text}`)}`)]
    : [`-H 'Content-Type: application/json'`, `-d ${quoted(JSON.stringify({ image: url, text: texts }))}`];
  return ['curl', ...parts, endpoint].join(' \\\n  ');
}

/** One text is answered with its score alone, several with a list. */
function show(answer, texts, curl) {
  const results = answer.results ?? [{ text: texts[0], score: answer.score }];
  at('scores').replaceChildren(...results.map(scoreLine));
  const { warnings, ...receipt } = answer.receipt;
  const { fetchMs, decodeMs, inferenceMs, totalMs } = answer.timings;
  const times = `fetch ${fetchMs}, decode ${decodeMs}, inference ${inferenceMs}; in all ${totalMs} (stages overlap)`;
  const entries = Object.entries({ ...receipt, warnings: warnings.join('; ') || 'none', milliseconds: times });
  at('receipt').replaceChildren(...entries.flatMap(([key, value]) => [made('dt', key), made('dd', value)]));
  at('curl').textContent = curl;
  at('result').hidden = false;
  const [best] = results.toSorted((a, b) => b.score - a.score);
  at('status').textContent = `Highest: ${best.score.toFixed(2)} for “${best.text}”.`;
}

const made = (name, text) => Object.assign(document.createElement(name), { textContent: text });

function scoreLine({ text, score }) {
  const line = made('li', '');
  const bar = Object.assign(made('span', ''), { className: 'bar' });
  bar.style.backgroundSize = `${score}% 100%`;
  line.append(made('span', text), made('span', score.toFixed(2)), bar);
  return line;
}
