import { called } from '../../shared/called.ts';
import type { FamilyName, ModelSpec, ReferenceLibrary } from '../model.ts';
import { type ParityImage, parityTexts } from './inputs.ts';

const packages: Record<ReferenceLibrary, string> = {
  transformers: 'torch transformers sentencepiece protobuf tiktoken pillow',
  open_clip: 'torch open_clip_torch transformers sentencepiece pillow',
};

/**
 * Returns a Python script, with the images, that computes golden values with the reference library of a model.
 * @param original a repository, a directory, or a name of OpenCLIP. Without it, the script requires `--model`.
 * @throws {Error} for a model without a reference library.
 */
export function referenceScript(
  {
    model,
    revision,
    family,
    reference: library,
    text,
  }: Pick<ModelSpec, 'model' | 'revision' | 'family' | 'reference' | 'text'>,
  images: readonly ParityImage[],
  original: string | undefined,
): string {
  if (library === undefined)
    throw new Error(`${family} has no reference library; its golden values come from models/compact/build.py`);
  const encoded = images.map(({ image, bytes }) => `    ${python(image)}: ${python(bytes.toString('base64'))},`);
  return `"""Golden values of ${model} with ${library}.

    pip install ${packages[library]}
    python3 golden.py --model REFERENCE > values.json
    ${called} models golden ${model} --take values.json

REFERENCE: ${library === 'transformers' ? 'a repository or a directory of transformers' : 'a name of OpenCLIP, hf-hub:OWNER/NAME, or local-dir:DIRECTORY'}
"""
import argparse, base64, hashlib, io, json, sys
from importlib.metadata import version

import torch
from PIL import Image

parser = argparse.ArgumentParser()
parser.add_argument("--model", ${original === undefined ? 'required=True' : `default=${python(original)}`})
${library === 'open_clip' ? pretrainedArgument : ''}arguments = parser.parse_args()
${library === 'open_clip' ? requirePretrained : ''}
IMAGES = {
${encoded.join('\n')}
}
TEXTS = ${JSON.stringify(parityTexts, null, 4).replaceAll(/[^\n -~]/g, escaped)}
LENGTH = ${text.maxTokens}

raw = {name: base64.b64decode(data) for name, data in IMAGES.items()}
pictures = {name: Image.open(io.BytesIO(data)) for name, data in raw.items()}


def unit(rows):
    return torch.nn.functional.normalize(rows.double(), dim=-1).tolist()


${library === 'transformers' ? transformersPart(family) : openClipPart}

json.dump(
    {
        "format": "vls-golden-1",
        "model": ${python(model)},
        "revision": ${python(revision)},
        "family": ${python(family)},
        "source": f"{arguments.model} with " + ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "images": [
            {"image": name, "sha256": hashlib.sha256(raw[name]).hexdigest(), "embedding": row}
            for name, row in zip(raw, image_rows)
        ],
        "texts": [{"text": text, "ids": ids, "embedding": row} for text, ids, row in zip(TEXTS, id_rows, text_rows)],
        "probability": {"scale": scale, "bias": bias},
    },
    sys.stdout,
)
`;
}

/** Returns a Python literal. The escapes of JSON are also valid in Python. */
const python = (value: string): string => JSON.stringify(value).replaceAll(/[^ -~]/g, escaped);
const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');

/** AutoTokenizer would choose other classes. For SigLIP 2, Gemma's class does not convert to lower case. */
const tokenizers: Partial<Record<FamilyName, string>> = { siglip: 'SiglipTokenizer', siglip2: 'Siglip2Tokenizer' };

function transformersPart(family: FamilyName): string {
  const tokenizer = tokenizers[family] ?? 'AutoTokenizer';
  const padding = family === 'chinese-clip' ? 'True' : '"max_length"';
  const mask = family === 'chinese-clip' ? ', attention_mask=tokens["attention_mask"]' : '';
  return `import transformers

LIBRARIES = ["transformers", "torch", "pillow"]
model = transformers.AutoModel.from_pretrained(arguments.model, dtype=torch.float32).eval()
tokenizer = transformers.${tokenizer}.from_pretrained(arguments.model)
# The backend with Pillow: that of torchvision is up to 4 levels off.
processor = transformers.AutoImageProcessor.from_pretrained(arguments.model, backend="pil")


def rows_of(features):
    return features if isinstance(features, torch.Tensor) else features.pooler_output


with torch.no_grad():
    image_rows = []
    for picture in pictures.values():
        pixels = processor(images=picture, do_convert_rgb=True, return_tensors="pt")["pixel_values"]
        image_rows += unit(rows_of(model.get_image_features(pixel_values=pixels)))
    text_rows, id_rows = [], []
    for text in TEXTS:
        tokens = tokenizer([text], padding=${padding}, max_length=LENGTH, truncation=True, return_tensors="pt")
        id_rows += tokens["input_ids"].tolist()
        text_rows += unit(rows_of(model.get_text_features(input_ids=tokens["input_ids"]${mask})))
scale = model.logit_scale.exp().item()
bias = model.logit_bias.item() if hasattr(model, "logit_bias") else None`;
}

const pretrainedArgument = 'parser.add_argument("--pretrained", default=None, help="tag or file of the weights")\n';

/** Without `--pretrained`, OpenCLIP would create a model with random weights. */
const requirePretrained = `if arguments.pretrained is None and not arguments.model.startswith(("hf-hub:", "local-dir:")):
    parser.error("--pretrained is needed with a name of OpenCLIP, such as --model ViT-B-32-quickgelu --pretrained openai")
`;

const openClipPart = `import open_clip

LIBRARIES = ["open_clip_torch", "torch", "pillow"]
model, _, preprocess = open_clip.create_model_and_transforms(arguments.model, pretrained=arguments.pretrained)
model = model.float().eval()
tokenizer = open_clip.get_tokenizer(arguments.model)
with torch.no_grad():
    image_rows = []
    for picture in pictures.values():
        image_rows += unit(model.encode_image(preprocess(picture).unsqueeze(0)))
    text_rows, id_rows = [], []
    for text in TEXTS:
        ids = tokenizer([text], context_length=LENGTH)
        id_rows += ids.tolist()
        text_rows += unit(model.encode_text(ids))
scale = model.logit_scale.exp().item()
bias = model.logit_bias.item() if getattr(model, "logit_bias", None) is not None else None`;
