// Made from the OpenAPI document: npx vitest run tests/integration/documentation -u

export type SingleRequest = {image: ImageSource;
text: (string) | ((string)[]);
/** A profile or a model name. */
model?: string;
/** For a text with more tokens than the model reads: `truncate` scores its beginning with a warning, `error` fails with `text.too_long`. Default: `truncate`. */
longText?: "truncate" | "error";};

/** A string (http(s) URL, data URI or base64) or an object that names the kind. `file` needs IMAGE_FILE_ROOTS. */
export type ImageSource = (string) | ({url: string;}) | ({base64: string;
/** The path of the image file. CSV results have this path in place of the bytes. */
path?: string;}) | ({file: string;});

export type BatchRequest = (BatchOfItems) | (BatchByReference);

export type BatchOfItems = {items: ((BatchItem) | (UnreadableItem))[];
/** A display name. Default: the name of the uploaded file or of the object. */
name?: string;
/** Tags. Lists of batches can be limited to a tag. */
tags?: (string)[];
/** A profile or a model name. */
model?: string;
longText?: "truncate" | "error";
/** Order among the batches of one tenant: a higher priority is dispatched first. Other tenants are not affected. Default: `0`. */
priority?: number;
failureBudget?: FailureBudget;
webhook?: Webhook;
/** Stores the L2-normalised embeddings of the images, of the texts, or of both next to the results. `/embeddings` returns them. */
embeddings?: "image" | "text" | "both";
/** Type of the stored numbers. Default: `float16`. */
embeddingPrecision?: "float16" | "float32";
/** Id of an earlier batch with stored image embeddings and the same model. The `image` of each item is then the index of an item of that batch, as text: `"17"`. No image is fetched or decoded. */
imagesFrom?: string;};

export type BatchItem = {image: ImageSource;
text: string;
/** Returned with the result, as a string. */
id?: ((string) | (number)) | (null);
/** Arbitrary data that is returned with the result. Numbers keep their digits. An escaped lone surrogate becomes U+FFFD. */
metadata?: (BatchItemMetadata) | (null);};

export type BatchItemMetadata = {[key: string]: unknown;};

/** An item that the client could not read. It is not evaluated. */
export type UnreadableItem = {clientError: ClientError;
/** The result shows an address or a path. */
image?: unknown;
text?: string | null;
/** Returned with the result, as a string. */
id?: ((string) | (number)) | (null);
/** Arbitrary data that is returned with the result. Numbers keep their digits. An escaped lone surrogate becomes U+FFFD. */
metadata?: (BatchItemMetadata) | (null);};

/** Why the client could not read the item. The item fails with this error. */
export type ClientError = {code: "image.source_invalid" | "image.file.refused" | "image.file.not_found" | "image.too_large" | "image.too_many_pixels" | "image.unsupported_format" | "image.corrupt" | "image.decode_timeout" | "image.not_stored" | "text.empty" | "text.too_long" | "item.too_large" | "item.too_deep" | "item.encoding" | "item.invalid";
message: string;};

/** Stops a batch with too many failures; it ends as `failed`. */
export type FailureBudget = {/** The batch stops when more than this number of its items have failed. */
count?: number;
/** The batch stops when more than this share of its items has failed. */
share?: number;
/** The budget is checked only after this number of items have an outcome. Default: `100`. */
after?: number;};

/** The address that the service calls when the batch has ended. The request is signed as specified by Standard Webhooks. */
export type Webhook = {url: string;};

export type BatchByReference = {/** The address of the object that contains the items. The name of the object must end in .ndjson, .jsonl, .csv, .tsv, .json, .parquet, .tar or .tgz, each but `.parquet` also with `.gz`. */
input: string;
/** Folder for the files of results. Default: a folder next to the input, named by the id of the batch. */
output?: string;
/** CSV, TSV and Parquet: names of the columns. Default: `image`, `text` and `id`. */
columns?: {image?: string;
text?: string;
id?: string;};
/** CSV and TSV: separator of columns. Default: a comma in CSV, a tab in TSV. */
delimiter?: string;
/** The text encoding of NDJSON, CSV, TSV and JSON, as a name of the WHATWG Encoding Standard such as `windows-1252`. The `charset` of the content type may state it instead. Default: UTF-8, or UTF-16 if it is detected. */
encoding?: string;
/** For a tar and for Parquet: the selected samples are also written in the form of the input, as `kept.tar`, `kept.tar.gz` or `kept.parquet`, and their ids as `kept.txt`. The rows of `kept.parquet` have all columns of the input, and its metadata has the receipt. */
keep?: KeptSamples;
/** Table formats in which the results are written, in addition to `results.ndjson`. Default: the format of the input if it is a table (CSV for TSV), otherwise none. */
tables?: ("csv" | "parquet")[];
/** A display name. Default: the name of the uploaded file or of the object. */
name?: string;
/** Tags. Lists of batches can be limited to a tag. */
tags?: (string)[];
/** A profile or a model name. */
model?: string;
longText?: "truncate" | "error";
/** Order among the batches of one tenant: a higher priority is dispatched first. Other tenants are not affected. Default: `0`. */
priority?: number;
failureBudget?: FailureBudget;
webhook?: Webhook;
/** Stores the L2-normalised embeddings of the images, of the texts, or of both next to the results. `/embeddings` returns them. */
embeddings?: "image" | "text" | "both";
/** Type of the stored numbers. Default: `float16`. */
embeddingPrecision?: "float16" | "float32";
/** Id of an earlier batch with stored image embeddings and the same model. The `image` of each item is then the index of an item of that batch, as text: `"17"`. No image is fetched or decoded. */
imagesFrom?: string;};

export type KeptSamples = {/** Only samples with this score or more. */
minScore?: number;
/** Only the samples with the highest scores: a share of all samples with a score, or a number of samples. Samples tied with the last selected sample are also included, so there can be more samples than asked for. */
top?: string;};

/** Fields that are left out do not change. */
export type BatchChange = {/** null removes the name. */
name?: (string) | (null);
tags?: (string)[];
/** The time in hours from the end of the batch to its deletion. If this time has already passed, the batch is deleted soon. */
retentionHours?: number;};

export type RescoredTexts = "own" | "others";

/** A sample of the pairs of a batch, to be judged by people. */
export type SampleStart = {/** The threshold around which the pairs were sampled. */
threshold?: number;
/** The lower ends of the score ranges from which the pairs were sampled. An estimate weights each label by the pairs of its range. */
edges: (number)[];
/** The pairs to judge, in this order. Each must have a score. */
indexes: (number)[];
/** The sample that this one replaces, or null if the batch must have none. If the batch has another sample, the request is refused with `batch.other_sample`. Without this field, any sample is replaced. */
replaces?: (string) | (null);};

export type SampleLabels = {/** The id of the sample. */
sample: string;
/** Other labels of the sample do not change. */
labels: (SampleLabel)[];};

export type SampleLabel = {/** The index of an item of the batch. */
index: number;
/** null removes the label. */
label: (PairLabel) | (null);};

/** `right`: the text describes the image. `wrong`: it does not. */
export type PairLabel = "right" | "wrong";

export type RankRequest = ({image: ImageSource;
texts: (string)[];
/** A profile or a model name. */
model?: string;
/** For a text with more tokens than the model reads: `truncate` scores its beginning with a warning, `error` fails with `text.too_long`. Default: `truncate`. */
longText?: "truncate" | "error";}) | ({images: (ImageSource)[];
text: string;
/** A profile or a model name. */
model?: string;
/** For a text with more tokens than the model reads: `truncate` scores its beginning with a warning, `error` fails with `text.too_long`. Default: `truncate`. */
longText?: "truncate" | "error";});

export type EmbeddingsRequest = {input: ((string) | ({text: string;}) | ({image: ImageSource;})) | (((string) | ({text: string;}) | ({image: ImageSource;}))[]);
/** A profile or a model name. */
model?: string;
/** `base64`: little-endian float32. Default: `float`. */
encoding_format?: "float" | "base64";
/** For a text with more tokens than the model reads: `truncate` scores its beginning with a warning, `error` fails with `text.too_long`. Default: `truncate`. */
longText?: "truncate" | "error";
/** Must equal the dimensions of the model: embeddings are not shortened. */
dimensions?: number;
/** Accepted for compatibility; not used. */
user?: string;};

export type SignIn = {key: string;
/** For a form of HTML: the path of this service to which the browser is redirected. */
next?: string;};

/** The two sides of the pairs: queries and documents, or queries and items, or text_1 and text_2, or data_1 and data_2. */
export type ScoreRequest = {/** A profile or a model name. */
model?: (string) | (null);
queries?: ScoreInputs;
documents?: ScoreInputs;
items?: ScoreInputs;
text_1?: ScoreInputs;
text_2?: ScoreInputs;
data_1?: ScoreInputs;
data_2?: ScoreInputs;
/** For a text with more tokens than the model reads: `truncate` scores its beginning with a warning, `error` fails with `text.too_long`. Default: `truncate`. */
longText?: "truncate" | "error";
/** Accepted for compatibility and ignored: `longText` decides whether long texts are truncated. */
truncate_prompt_tokens?: (-1) | (null);
/** Accepted for compatibility; not used. */
user?: string | null;};

/** A string or `{text}` is a text, `{image}` an image. `{content}` has a list of parts, each of which is an input, as in vLLM. Within a list of inputs, `{content}` may have one part only. */
export type ScoreInputs = ((string) | ((ScoreImagePart) | (ScoreTextPart)) | (ScoreParts) | (ScoreText) | (ScoreImage)) | (((string) | ((ScoreImagePart) | (ScoreTextPart)) | (ScoreParts) | (ScoreText) | (ScoreImage))[]);

export type ScoreImagePart = {type: "image_url";
image_url: ScoreImageUrl;
uuid?: string;};

export type ScoreImageUrl = {url: string;};

export type ScoreTextPart = {type: "text";
text: string;};

export type ScoreParts = {content: ((ScoreImagePart) | (ScoreTextPart))[];};

export type ScoreText = {text: string;};

export type ScoreImage = {image: ImageSource;};

export type OpenAIBatchRequest = {input_file_id: string;
endpoint: "/v1/embeddings" | "/v1/score";
/** Accepted for compatibility and ignored: a batch runs as soon as possible. */
completion_window: string;
metadata?: ({[key: string]: string;}) | (null);
/** Accepted for compatibility and ignored: the outputs are stored for BATCH_RETENTION_HOURS. */
output_expires_after?: {anchor: "created_at";
seconds: number;};};

export type SingleResponse = (SingleScore) | (SingleScores);

export type SingleScore = {/** 100 * max(cosine, 0) */
score: number;
cosine: number;
/** The probability that the text describes the image: the sigmoid of logit scale * cosine + logit bias. Only models of the SigLIP families have it. */
probability?: number;
receipt: Receipt;
timings: Timings;};

export type Receipt = {model: string;
revision: string;
/** The precision of the vision and the text model. If they differ, the precision of the vision model comes first: `fp16+fp32` means fp16 for images and fp32 for texts. */
precision: string;
/** ONNX Runtime execution provider. */
provider: string;
/** Version of the image preprocessing. */
preprocess: string;
/** Version of the text preprocessing. */
textCleaning: string;
warnings: (string)[];
/** The id of the trace of the request, if it is traced. */
traceId?: string;};

export type Timings = {/** Time to read the bytes of the image from its address, file or base64. */
fetchMs: number;
decodeMs: number;
/** Time in the vision and the text model; 0 if both embeddings were cached. */
inferenceMs: number;
totalMs: number;};

export type SingleScores = {/** In the order of the texts. */
results: ({text: string;
/** 100 * max(cosine, 0) */
score: number;
cosine: number;
/** The probability that the text describes the image: the sigmoid of logit scale * cosine + logit bias. Only models of the SigLIP families have it. */
probability?: number;})[];
receipt: Receipt;
timings: Timings;};

export type Problem = {/** The address of the documentation of the code. */
type: string;
title: string;
status: number;
code: "image.source_invalid" | "image.fetch.http_status" | "image.fetch.unavailable" | "image.fetch.timeout" | "image.fetch.unknown_host" | "image.fetch.dns" | "image.fetch.network" | "image.fetch.tls" | "image.fetch.protocol" | "image.fetch.blocked_address" | "image.fetch.too_many_redirects" | "image.file.refused" | "image.file.not_found" | "image.too_large" | "image.too_many_pixels" | "image.unsupported_format" | "image.corrupt" | "image.decode_timeout" | "image.not_stored" | "text.empty" | "text.too_long" | "item.too_large" | "item.too_deep" | "item.encoding" | "item.invalid" | "model.unknown" | "model.unavailable" | "request.malformed_json" | "request.encoding" | "request.invalid" | "request.too_large" | "request.too_deep" | "request.unsupported_media_type" | "request.not_acceptable" | "request.aborted" | "request.timeout" | "request.unknown_host" | "request.foreign_origin" | "access.key_missing" | "access.key_invalid" | "access.throttled" | "access.operator_only" | "tenant.rate_limited" | "tenant.queue_full" | "tenant.too_many_streams" | "route.not_found" | "route.method_not_allowed" | "traffic.not_shared" | "traffic.no_canary" | "batch.not_found" | "batch.empty" | "batch.too_many_items" | "batch.not_finished" | "batch.nothing_to_retry" | "batch.input_expired" | "batch.no_image" | "batch.no_embeddings" | "batch.other_model" | "batch.other_sample" | "batch.interrupted" | "file.not_found" | "storage.outside" | "storage.not_found" | "storage.forbidden" | "storage.changed" | "storage.unavailable" | "idempotency.in_flight" | "idempotency.mismatch" | "queue.full" | "queue.unavailable" | "overloaded" | "cancelled" | "internal.poison" | "internal";
detail: string;
/** The id of the request, which the `X-Request-Id` header and the logs also have. */
requestId: string;
/** The id of the trace of the request, if it is traced. */
traceId?: string;
/** The errors of single fields of the request. */
errors?: ({path: string;
message: string;})[];
/** The error in the format of OpenAI's API; only on paths of OpenAI's API. */
error?: {message: string;
type: "invalid_request_error" | "server_error";
code: "image.source_invalid" | "image.fetch.http_status" | "image.fetch.unavailable" | "image.fetch.timeout" | "image.fetch.unknown_host" | "image.fetch.dns" | "image.fetch.network" | "image.fetch.tls" | "image.fetch.protocol" | "image.fetch.blocked_address" | "image.fetch.too_many_redirects" | "image.file.refused" | "image.file.not_found" | "image.too_large" | "image.too_many_pixels" | "image.unsupported_format" | "image.corrupt" | "image.decode_timeout" | "image.not_stored" | "text.empty" | "text.too_long" | "item.too_large" | "item.too_deep" | "item.encoding" | "item.invalid" | "model.unknown" | "model.unavailable" | "request.malformed_json" | "request.encoding" | "request.invalid" | "request.too_large" | "request.too_deep" | "request.unsupported_media_type" | "request.not_acceptable" | "request.aborted" | "request.timeout" | "request.unknown_host" | "request.foreign_origin" | "access.key_missing" | "access.key_invalid" | "access.throttled" | "access.operator_only" | "tenant.rate_limited" | "tenant.queue_full" | "tenant.too_many_streams" | "route.not_found" | "route.method_not_allowed" | "traffic.not_shared" | "traffic.no_canary" | "batch.not_found" | "batch.empty" | "batch.too_many_items" | "batch.not_finished" | "batch.nothing_to_retry" | "batch.input_expired" | "batch.no_image" | "batch.no_embeddings" | "batch.other_model" | "batch.other_sample" | "batch.interrupted" | "file.not_found" | "storage.outside" | "storage.not_found" | "storage.forbidden" | "storage.changed" | "storage.unavailable" | "idempotency.in_flight" | "idempotency.mismatch" | "queue.full" | "queue.unavailable" | "overloaded" | "cancelled" | "internal.poison" | "internal";
param: string | null;};};

export type BatchWithResults = {id: string;
/** The tenant of the batch; `default` if no keys are required. */
tenant: string;
name: string | null;
tags: (string)[];
state: BatchState;
/** `evaluating`: a worker is evaluating items of the batch. After a crash of the worker, the phase remains `evaluating` for up to 20 s. `stopping`: the batch was cancelled or too many items failed; it ends when the workers have finished its items in flight, within 45 s. */
phase: "waiting" | "evaluating" | "stopping" | "finished";
model: string;
revision: string;
precision: string;
preprocess: string;
textCleaning: string | null;
longText: "truncate" | "error";
/** True if each result has the probability that its text describes its image. Only models of the SigLIP families have it. */
pairProbabilities: boolean;
/** The models that share the items of the batch, as configured when it was posted; null for a single model. */
traffic: (({role: ArmRole;
model: string;
revision: string;
share: number;})[]) | (null);
priority: number;
items: {total: number;
succeeded: number;
failed: number;
cancelled: number;
pending: number;};
/** Failed items by code. */
failures: {[key: string]: number;};
/** The recent rate while the batch runs; afterwards the mean rate. */
itemsPerSecond: number | null;
etaSeconds: number | null;
createdAt: string;
startedAt: (string) | (null);
finishedAt: (string) | (null);
/** The time at which items and results are deleted. */
expiresAt: (string) | (null);
/** The reason of a `failed` batch. */
reason: ("all_failed" | "failure_budget" | "input" | "input_lost" | "model_unavailable") | (null);
/** The reason why workers cannot evaluate the batch now, for example that its model cannot be loaded. After 15 minutes without an outcome the batch fails with the reason `model_unavailable`. */
waitingFor: string | null;
/** The failure budget that was posted with the batch; null for no limit. */
failureBudget: ({count: (number) | (null);
share: number | null;
after: number;}) | (null);
/** The input object of a batch by reference. */
input: string | null;
/** The error of the input object if the reason is `input`. */
inputError: ({code: "image.source_invalid" | "image.fetch.http_status" | "image.fetch.unavailable" | "image.fetch.timeout" | "image.fetch.unknown_host" | "image.fetch.dns" | "image.fetch.network" | "image.fetch.tls" | "image.fetch.protocol" | "image.fetch.blocked_address" | "image.fetch.too_many_redirects" | "image.file.refused" | "image.file.not_found" | "image.too_large" | "image.too_many_pixels" | "image.unsupported_format" | "image.corrupt" | "image.decode_timeout" | "image.not_stored" | "text.empty" | "text.too_long" | "item.too_large" | "item.too_deep" | "item.encoding" | "item.invalid" | "model.unknown" | "model.unavailable" | "request.malformed_json" | "request.encoding" | "request.invalid" | "request.too_large" | "request.too_deep" | "request.unsupported_media_type" | "request.not_acceptable" | "request.aborted" | "request.timeout" | "request.unknown_host" | "request.foreign_origin" | "access.key_missing" | "access.key_invalid" | "access.throttled" | "access.operator_only" | "tenant.rate_limited" | "tenant.queue_full" | "tenant.too_many_streams" | "route.not_found" | "route.method_not_allowed" | "traffic.not_shared" | "traffic.no_canary" | "batch.not_found" | "batch.empty" | "batch.too_many_items" | "batch.not_finished" | "batch.nothing_to_retry" | "batch.input_expired" | "batch.no_image" | "batch.no_embeddings" | "batch.other_model" | "batch.other_sample" | "batch.interrupted" | "file.not_found" | "storage.outside" | "storage.not_found" | "storage.forbidden" | "storage.changed" | "storage.unavailable" | "idempotency.in_flight" | "idempotency.mismatch" | "queue.full" | "queue.unavailable" | "overloaded" | "cancelled" | "internal.poison" | "internal";
message: string;}) | (null);
/** The result files of a batch whose items were read from an object; written when it has ended. */
files: ({state: "pending" | "written" | "failed";
results: string;
/** The results as CSV, if the input was CSV or `tables` names it. */
csv: string | null;
/** The results as Parquet, if the input was Parquet or `tables` names it. */
parquet: string | null;
/** The samples that `keep` selects, as a tar or as Parquet; null without `keep`, and when the input could not be read. */
kept: string | null;
/** The ids of the samples in `kept`, one per line. */
keptIds: string | null;
/** The failed items, which can be posted again unchanged. */
failures: string;
/** The status of the batch as a file, which is written after the other files. */
status: string;
error: string | null;}) | (null);
/** The stored embeddings of the batch, if it keeps any. */
embeddings: (BatchEmbeddings) | (null);
/** The batch whose stored image embeddings this batch compares with its texts. */
imagesFrom: string | null;
/** The batch whose failed items this batch retries. */
retryOf: string | null;
/** The states that the items of a retry had in the batch `retryOf`. Only `cancelled`: this batch continues a cancelled one. Null for other batches and for retries of older releases. */
retryStatus: (("failed" | "cancelled")[]) | (null);
/** The latest batch that retries the failed items of this batch. */
retriedBy: string | null;
/** The batch whose items this batch scores again. Without `sample`, an item has the same index in both batches. */
rescoreOf: string | null;
/** `others`: each image was scored with the text of another item of the batch `rescoreOf`. */
texts: RescoredTexts;
/** The latest batch that scores each image of this batch with the text of another item. */
wrongPairs: string | null;
/** The id of the trace of this batch, if it is traced. */
traceId: string | null;
/** Facts about a batch that was posted through OpenAI's interface. Its items are requests. */
requests: (RequestBatch) | (null);
webhook: ({url: string;
state: "pending" | "delivered" | "failed";
attempts: number;
error: string | null;}) | (null);
links: {self: string;
results: string;
summary: string;
events: string;
cancel: string;
retry: string;};
/** In the order of the items. */
results: (ItemResult)[];};

export type BatchState = "accepting" | "queued" | "running" | "completed" | "completed_with_errors" | "failed" | "cancelled";

export type ArmRole = "main" | "split" | "canary";

export type BatchEmbeddings = {/** Stores the L2-normalised embeddings of the images, of the texts, or of both next to the results. `/embeddings` returns them. */
of: "image" | "text" | "both";
/** Type of the stored numbers. Default: `float16`. */
precision: "float16" | "float32";
dimensions: number;
/** Size of all embeddings: items × dimensions × bytes per number × kinds (image, text). The final value is known when all items have been read. */
bytes: number;};

export type RequestBatch = {endpoint: "/v1/embeddings" | "/v1/score";
/** The file with the lines. */
inputFileId: string;
/** Time limit of the client; ignored. */
window: string;
metadata: ({[key: string]: string;}) | (null);};

export type ItemResult = (SucceededItem) | (FailedItem) | (CancelledItem) | (AnsweredItem);

export type SucceededItem = {/** Position in the posted batch, from 0. */
index: number;
id?: string;
metadata?: ItemMetadata;
/** In a retry: the index in the batch of `retryOf`. */
retryOfIndex?: number;
/** With `items=true`: the text of the item. */
text?: string;
/** With `items=true`: the HTTP address of the image; null for any other source. */
image?: string | null;
/** With `items=true`: the path of the image file, if the image was posted with a path. */
imagePath?: string;
/** With `items=true`: true if the item has the bytes of an image, which `GET …/batch/{id}/images/{index}` returns. Absent otherwise. */
imageStored?: true;
/** With `items=true`: true if the image is a file that the service reads itself (`{"file": …}`). Absent otherwise. */
imageFile?: true;
/** JSON pages with `other`: the score of the item in the other batch. */
otherScore?: number;
/** JSON pages with `other` and `items=true`: the text of the item in the other batch, if it differs. */
otherText?: string;
/** With `distinct`: the number of items in the group, including this item, that meet all conditions of the query except `q`. */
groupSize?: number;
status: "succeeded";
/** 100 * max(cosine, 0) */
score: number;
cosine: number;
/** The probability that the text describes the image: the sigmoid of logit scale * cosine + logit bias. Only models of the SigLIP families have it. */
probability?: number;
warnings?: (string)[];
/** The model that computed the score, if several models share the batch. */
model?: string;};

/** The metadata that was posted with the item. */
export type ItemMetadata = {[key: string]: unknown;};

export type FailedItem = {/** Position in the posted batch, from 0. */
index: number;
id?: string;
metadata?: ItemMetadata;
/** In a retry: the index in the batch of `retryOf`. */
retryOfIndex?: number;
/** With `items=true`: the text of the item. */
text?: string;
/** With `items=true`: the HTTP address of the image; null for any other source. */
image?: string | null;
/** With `items=true`: the path of the image file, if the image was posted with a path. */
imagePath?: string;
/** With `items=true`: true if the item has the bytes of an image, which `GET …/batch/{id}/images/{index}` returns. Absent otherwise. */
imageStored?: true;
/** With `items=true`: true if the image is a file that the service reads itself (`{"file": …}`). Absent otherwise. */
imageFile?: true;
/** JSON pages with `other`: the score of the item in the other batch. */
otherScore?: number;
/** JSON pages with `other` and `items=true`: the text of the item in the other batch, if it differs. */
otherText?: string;
/** With `distinct`: the number of items in the group, including this item, that meet all conditions of the query except `q`. */
groupSize?: number;
status: "failed";
error: ItemError;
/** The model that computed the score, if several models share the batch. */
model?: string;};

export type ItemError = {code: "image.source_invalid" | "image.fetch.http_status" | "image.fetch.unavailable" | "image.fetch.timeout" | "image.fetch.unknown_host" | "image.fetch.dns" | "image.fetch.network" | "image.fetch.tls" | "image.fetch.protocol" | "image.fetch.blocked_address" | "image.fetch.too_many_redirects" | "image.file.refused" | "image.file.not_found" | "image.too_large" | "image.too_many_pixels" | "image.unsupported_format" | "image.corrupt" | "image.decode_timeout" | "image.not_stored" | "text.empty" | "text.too_long" | "item.too_large" | "item.too_deep" | "item.encoding" | "item.invalid" | "model.unknown" | "model.unavailable" | "request.malformed_json" | "request.encoding" | "request.invalid" | "request.too_large" | "request.too_deep" | "request.unsupported_media_type" | "request.not_acceptable" | "request.aborted" | "request.timeout" | "request.unknown_host" | "request.foreign_origin" | "access.key_missing" | "access.key_invalid" | "access.throttled" | "access.operator_only" | "tenant.rate_limited" | "tenant.queue_full" | "tenant.too_many_streams" | "route.not_found" | "route.method_not_allowed" | "traffic.not_shared" | "traffic.no_canary" | "batch.not_found" | "batch.empty" | "batch.too_many_items" | "batch.not_finished" | "batch.nothing_to_retry" | "batch.input_expired" | "batch.no_image" | "batch.no_embeddings" | "batch.other_model" | "batch.other_sample" | "batch.interrupted" | "file.not_found" | "storage.outside" | "storage.not_found" | "storage.forbidden" | "storage.changed" | "storage.unavailable" | "idempotency.in_flight" | "idempotency.mismatch" | "queue.full" | "queue.unavailable" | "overloaded" | "cancelled" | "internal.poison" | "internal";
message: string;
/** True if a retry of the same item may succeed. */
retryable: boolean;};

export type CancelledItem = {/** Position in the posted batch, from 0. */
index: number;
id?: string;
metadata?: ItemMetadata;
/** In a retry: the index in the batch of `retryOf`. */
retryOfIndex?: number;
/** With `items=true`: the text of the item. */
text?: string;
/** With `items=true`: the HTTP address of the image; null for any other source. */
image?: string | null;
/** With `items=true`: the path of the image file, if the image was posted with a path. */
imagePath?: string;
/** With `items=true`: true if the item has the bytes of an image, which `GET …/batch/{id}/images/{index}` returns. Absent otherwise. */
imageStored?: true;
/** With `items=true`: true if the image is a file that the service reads itself (`{"file": …}`). Absent otherwise. */
imageFile?: true;
/** JSON pages with `other`: the score of the item in the other batch. */
otherScore?: number;
/** JSON pages with `other` and `items=true`: the text of the item in the other batch, if it differs. */
otherText?: string;
/** With `distinct`: the number of items in the group, including this item, that meet all conditions of the query except `q`. */
groupSize?: number;
status: "cancelled";};

/** The result of a line of an OpenAI batch, for which the endpoint returned a response. */
export type AnsweredItem = {/** Position in the posted batch, from 0. */
index: number;
id?: string;
metadata?: ItemMetadata;
/** In a retry: the index in the batch of `retryOf`. */
retryOfIndex?: number;
/** With `items=true`: the text of the item. */
text?: string;
/** With `items=true`: the HTTP address of the image; null for any other source. */
image?: string | null;
/** With `items=true`: the path of the image file, if the image was posted with a path. */
imagePath?: string;
/** With `items=true`: true if the item has the bytes of an image, which `GET …/batch/{id}/images/{index}` returns. Absent otherwise. */
imageStored?: true;
/** With `items=true`: true if the image is a file that the service reads itself (`{"file": …}`). Absent otherwise. */
imageFile?: true;
/** JSON pages with `other`: the score of the item in the other batch. */
otherScore?: number;
/** JSON pages with `other` and `items=true`: the text of the item in the other batch, if it differs. */
otherText?: string;
/** With `distinct`: the number of items in the group, including this item, that meet all conditions of the query except `q`. */
groupSize?: number;
status: "answered";
response: LineResponse;};

/** The response of the endpoint to this line. */
export type LineResponse = {[key: string]: unknown;};

export type BatchStatus = {id: string;
/** The tenant of the batch; `default` if no keys are required. */
tenant: string;
name: string | null;
tags: (string)[];
state: BatchState;
/** `evaluating`: a worker is evaluating items of the batch. After a crash of the worker, the phase remains `evaluating` for up to 20 s. `stopping`: the batch was cancelled or too many items failed; it ends when the workers have finished its items in flight, within 45 s. */
phase: "waiting" | "evaluating" | "stopping" | "finished";
model: string;
revision: string;
precision: string;
preprocess: string;
textCleaning: string | null;
longText: "truncate" | "error";
/** True if each result has the probability that its text describes its image. Only models of the SigLIP families have it. */
pairProbabilities: boolean;
/** The models that share the items of the batch, as configured when it was posted; null for a single model. */
traffic: (({role: ArmRole;
model: string;
revision: string;
share: number;})[]) | (null);
priority: number;
items: {total: number;
succeeded: number;
failed: number;
cancelled: number;
pending: number;};
/** Failed items by code. */
failures: {[key: string]: number;};
/** The recent rate while the batch runs; afterwards the mean rate. */
itemsPerSecond: number | null;
etaSeconds: number | null;
createdAt: string;
startedAt: (string) | (null);
finishedAt: (string) | (null);
/** The time at which items and results are deleted. */
expiresAt: (string) | (null);
/** The reason of a `failed` batch. */
reason: ("all_failed" | "failure_budget" | "input" | "input_lost" | "model_unavailable") | (null);
/** The reason why workers cannot evaluate the batch now, for example that its model cannot be loaded. After 15 minutes without an outcome the batch fails with the reason `model_unavailable`. */
waitingFor: string | null;
/** The failure budget that was posted with the batch; null for no limit. */
failureBudget: ({count: (number) | (null);
share: number | null;
after: number;}) | (null);
/** The input object of a batch by reference. */
input: string | null;
/** The error of the input object if the reason is `input`. */
inputError: ({code: "image.source_invalid" | "image.fetch.http_status" | "image.fetch.unavailable" | "image.fetch.timeout" | "image.fetch.unknown_host" | "image.fetch.dns" | "image.fetch.network" | "image.fetch.tls" | "image.fetch.protocol" | "image.fetch.blocked_address" | "image.fetch.too_many_redirects" | "image.file.refused" | "image.file.not_found" | "image.too_large" | "image.too_many_pixels" | "image.unsupported_format" | "image.corrupt" | "image.decode_timeout" | "image.not_stored" | "text.empty" | "text.too_long" | "item.too_large" | "item.too_deep" | "item.encoding" | "item.invalid" | "model.unknown" | "model.unavailable" | "request.malformed_json" | "request.encoding" | "request.invalid" | "request.too_large" | "request.too_deep" | "request.unsupported_media_type" | "request.not_acceptable" | "request.aborted" | "request.timeout" | "request.unknown_host" | "request.foreign_origin" | "access.key_missing" | "access.key_invalid" | "access.throttled" | "access.operator_only" | "tenant.rate_limited" | "tenant.queue_full" | "tenant.too_many_streams" | "route.not_found" | "route.method_not_allowed" | "traffic.not_shared" | "traffic.no_canary" | "batch.not_found" | "batch.empty" | "batch.too_many_items" | "batch.not_finished" | "batch.nothing_to_retry" | "batch.input_expired" | "batch.no_image" | "batch.no_embeddings" | "batch.other_model" | "batch.other_sample" | "batch.interrupted" | "file.not_found" | "storage.outside" | "storage.not_found" | "storage.forbidden" | "storage.changed" | "storage.unavailable" | "idempotency.in_flight" | "idempotency.mismatch" | "queue.full" | "queue.unavailable" | "overloaded" | "cancelled" | "internal.poison" | "internal";
message: string;}) | (null);
/** The result files of a batch whose items were read from an object; written when it has ended. */
files: ({state: "pending" | "written" | "failed";
results: string;
/** The results as CSV, if the input was CSV or `tables` names it. */
csv: string | null;
/** The results as Parquet, if the input was Parquet or `tables` names it. */
parquet: string | null;
/** The samples that `keep` selects, as a tar or as Parquet; null without `keep`, and when the input could not be read. */
kept: string | null;
/** The ids of the samples in `kept`, one per line. */
keptIds: string | null;
/** The failed items, which can be posted again unchanged. */
failures: string;
/** The status of the batch as a file, which is written after the other files. */
status: string;
error: string | null;}) | (null);
/** The stored embeddings of the batch, if it keeps any. */
embeddings: (BatchEmbeddings) | (null);
/** The batch whose stored image embeddings this batch compares with its texts. */
imagesFrom: string | null;
/** The batch whose failed items this batch retries. */
retryOf: string | null;
/** The states that the items of a retry had in the batch `retryOf`. Only `cancelled`: this batch continues a cancelled one. Null for other batches and for retries of older releases. */
retryStatus: (("failed" | "cancelled")[]) | (null);
/** The latest batch that retries the failed items of this batch. */
retriedBy: string | null;
/** The batch whose items this batch scores again. Without `sample`, an item has the same index in both batches. */
rescoreOf: string | null;
/** `others`: each image was scored with the text of another item of the batch `rescoreOf`. */
texts: RescoredTexts;
/** The latest batch that scores each image of this batch with the text of another item. */
wrongPairs: string | null;
/** The id of the trace of this batch, if it is traced. */
traceId: string | null;
/** Facts about a batch that was posted through OpenAI's interface. Its items are requests. */
requests: (RequestBatch) | (null);
webhook: ({url: string;
state: "pending" | "delivered" | "failed";
attempts: number;
error: string | null;}) | (null);
links: {self: string;
results: string;
summary: string;
events: string;
cancel: string;
retry: string;};};

export type BatchList = {/** The latest first. */
batches: (ListedBatch)[];
next: string | null;};

export type ListedBatch = {id: string;
/** The tenant of the batch; `default` if no keys are required. */
tenant: string;
name: string | null;
tags: (string)[];
state: BatchState;
/** `evaluating`: a worker is evaluating items of the batch. After a crash of the worker, the phase remains `evaluating` for up to 20 s. `stopping`: the batch was cancelled or too many items failed; it ends when the workers have finished its items in flight, within 45 s. */
phase: "waiting" | "evaluating" | "stopping" | "finished";
model: string;
revision: string;
precision: string;
preprocess: string;
textCleaning: string | null;
longText: "truncate" | "error";
/** True if each result has the probability that its text describes its image. Only models of the SigLIP families have it. */
pairProbabilities: boolean;
/** The models that share the items of the batch, as configured when it was posted; null for a single model. */
traffic: (({role: ArmRole;
model: string;
revision: string;
share: number;})[]) | (null);
priority: number;
items: {total: number;
succeeded: number;
failed: number;
cancelled: number;
pending: number;};
/** Failed items by code. */
failures: {[key: string]: number;};
/** The recent rate while the batch runs; afterwards the mean rate. */
itemsPerSecond: number | null;
etaSeconds: number | null;
createdAt: string;
startedAt: (string) | (null);
finishedAt: (string) | (null);
/** The time at which items and results are deleted. */
expiresAt: (string) | (null);
/** The reason of a `failed` batch. */
reason: ("all_failed" | "failure_budget" | "input" | "input_lost" | "model_unavailable") | (null);
/** The reason why workers cannot evaluate the batch now, for example that its model cannot be loaded. After 15 minutes without an outcome the batch fails with the reason `model_unavailable`. */
waitingFor: string | null;
/** The failure budget that was posted with the batch; null for no limit. */
failureBudget: ({count: (number) | (null);
share: number | null;
after: number;}) | (null);
/** The input object of a batch by reference. */
input: string | null;
/** The error of the input object if the reason is `input`. */
inputError: ({code: "image.source_invalid" | "image.fetch.http_status" | "image.fetch.unavailable" | "image.fetch.timeout" | "image.fetch.unknown_host" | "image.fetch.dns" | "image.fetch.network" | "image.fetch.tls" | "image.fetch.protocol" | "image.fetch.blocked_address" | "image.fetch.too_many_redirects" | "image.file.refused" | "image.file.not_found" | "image.too_large" | "image.too_many_pixels" | "image.unsupported_format" | "image.corrupt" | "image.decode_timeout" | "image.not_stored" | "text.empty" | "text.too_long" | "item.too_large" | "item.too_deep" | "item.encoding" | "item.invalid" | "model.unknown" | "model.unavailable" | "request.malformed_json" | "request.encoding" | "request.invalid" | "request.too_large" | "request.too_deep" | "request.unsupported_media_type" | "request.not_acceptable" | "request.aborted" | "request.timeout" | "request.unknown_host" | "request.foreign_origin" | "access.key_missing" | "access.key_invalid" | "access.throttled" | "access.operator_only" | "tenant.rate_limited" | "tenant.queue_full" | "tenant.too_many_streams" | "route.not_found" | "route.method_not_allowed" | "traffic.not_shared" | "traffic.no_canary" | "batch.not_found" | "batch.empty" | "batch.too_many_items" | "batch.not_finished" | "batch.nothing_to_retry" | "batch.input_expired" | "batch.no_image" | "batch.no_embeddings" | "batch.other_model" | "batch.other_sample" | "batch.interrupted" | "file.not_found" | "storage.outside" | "storage.not_found" | "storage.forbidden" | "storage.changed" | "storage.unavailable" | "idempotency.in_flight" | "idempotency.mismatch" | "queue.full" | "queue.unavailable" | "overloaded" | "cancelled" | "internal.poison" | "internal";
message: string;}) | (null);
/** The result files of a batch whose items were read from an object; written when it has ended. */
files: ({state: "pending" | "written" | "failed";
results: string;
/** The results as CSV, if the input was CSV or `tables` names it. */
csv: string | null;
/** The results as Parquet, if the input was Parquet or `tables` names it. */
parquet: string | null;
/** The samples that `keep` selects, as a tar or as Parquet; null without `keep`, and when the input could not be read. */
kept: string | null;
/** The ids of the samples in `kept`, one per line. */
keptIds: string | null;
/** The failed items, which can be posted again unchanged. */
failures: string;
/** The status of the batch as a file, which is written after the other files. */
status: string;
error: string | null;}) | (null);
/** The stored embeddings of the batch, if it keeps any. */
embeddings: (BatchEmbeddings) | (null);
/** The batch whose stored image embeddings this batch compares with its texts. */
imagesFrom: string | null;
/** The batch whose failed items this batch retries. */
retryOf: string | null;
/** The states that the items of a retry had in the batch `retryOf`. Only `cancelled`: this batch continues a cancelled one. Null for other batches and for retries of older releases. */
retryStatus: (("failed" | "cancelled")[]) | (null);
/** The latest batch that retries the failed items of this batch. */
retriedBy: string | null;
/** The batch whose items this batch scores again. Without `sample`, an item has the same index in both batches. */
rescoreOf: string | null;
/** `others`: each image was scored with the text of another item of the batch `rescoreOf`. */
texts: RescoredTexts;
/** The latest batch that scores each image of this batch with the text of another item. */
wrongPairs: string | null;
/** The id of the trace of this batch, if it is traced. */
traceId: string | null;
/** Facts about a batch that was posted through OpenAI's interface. Its items are requests. */
requests: (RequestBatch) | (null);
webhook: ({url: string;
state: "pending" | "delivered" | "failed";
attempts: number;
error: string | null;}) | (null);
links: {self: string;
results: string;
summary: string;
events: string;
cancel: string;
retry: string;};
/** With `scores=true`: the scores of the batch, also while it runs; null without succeeded items. */
scores?: (ScoreOutline) | (null);};

export type ScoreOutline = {mean: number;
/** The number of succeeded items in each of 50 bins of the score. A bin is 2 points wide; the first one begins at 0. */
histogram: (number)[];};

export type ResultsPage = {/** In the order of `sort`; without it, in the order in which they were evaluated. */
results: (ItemResult)[];
/** With `sort`, `top`, `other`, `distinct` or `sample`: the number of results that meet all conditions except `q`. */
selected?: number;
top?: TopSelected;
/** Cursor of the next page; null at the end. In the order of evaluation it is never null while the batch runs, because it then leads to later results. */
next: string | null;};

/** The items that `top` selects in the whole batch. */
export type TopSelected = {/** The number of items that `top` asked for. */
requested: number;
/** The number of selected items, including all items tied with the last selected item. */
items: number;
/** The lowest score of the selected items; null when no item is selected. */
lastScore: number | null;
/** The number of selected items whose score equals `lastScore`. */
ties: number;};

export type BatchSummary = {id: string;
state: BatchState;
succeeded: number;
mean: ({cosine: number;
score: number;}) | (null);
/** The number of succeeded items in each bin of the cosine. A bin is 0.0025 wide (0.01 in a batch of an older release). Empty bins at both ends are left out. */
histogram: ({from: number;
to: number;
count: number;})[];
/** Percentiles of the cosines and of the scores of the succeeded items. A percentile between two items is interpolated linearly, as numpy and pandas do by default, and rounded like a cosine or score. Percentile 50 is the median. Empty without succeeded items. */
percentiles: ({percent: number;
cosine: number;
score: number;})[];
/** True for a batch that has ended. While it runs, this is false: percentiles are estimated from the histogram, with an error of up to one bin. */
percentilesExact: boolean;
/** The 50 items with the lowest cosines, the lowest first. */
lowest: ({index: number;
id?: string;
cosine: number;
score: number;
/** The first 300 characters of the text. */
text: string;
/** The address of the image; null for an inline image. */
image: string | null;
/** True if the item has the bytes of an image, which `GET …/batch/{id}/images/{index}` returns. Absent otherwise. */
imageStored?: true;})[];
/** The 50 items with the highest cosines, the highest first. */
highest: ({index: number;
id?: string;
cosine: number;
score: number;
/** The first 300 characters of the text. */
text: string;
/** The address of the image; null for an inline image. */
image: string | null;
/** True if the item has the bytes of an image, which `GET …/batch/{id}/images/{index}` returns. Absent otherwise. */
imageStored?: true;})[];
/** The number of cells that are changed in CSV with `formulas=escape`. NDJSON never changes a cell. */
formulaCells: number;};

/** Two batches of the same items. Items are matched by their index. */
export type BatchComparison = {id: string;
other: string;
/** The number of items in each of the two batches. */
items: number;
/** The number of items with a score in both batches. All other figures of the comparison except `unmatched` cover only these items. */
compared: number;
/** The items that have a score in only one of the two batches, so far. */
unmatched: {onlyThis: {items: number;
/** Those that reach the threshold of the batch; null without one. */
reaching: (number) | (null);};
onlyOther: {items: number;
/** Those that reach the threshold of the batch; null without one. */
reaching: (number) | (null);};};
/** Spearman's correlation of the cosines; items of the same cosine share their mean rank. Null for fewer than two items, or when all items of a batch have the same cosine. */
rankCorrelation: (number) | (null);
/** The mean difference of the scores: this batch minus the other batch. */
meanDifference: number | null;
meanAbsoluteDifference: number | null;
sides: ({threshold: number;
otherThreshold: number;
/** Items that reach the thresholds of both batches. */
both: number;
onlyThis: number;
onlyOther: number;
neither: number;}) | (null);
/** A two-dimensional histogram of the scores in the two batches. Empty bins are left out. */
bins: {/** The width of a bin in points of score of this batch. */
width: number;
otherWidth: number;
cells: ({from: number;
otherFrom: number;
count: number;})[];};
/** The items that differ most, the largest difference first: by their scores, if both batches have the same model and revision, otherwise by their ranks. */
disagreements: {higherHere: ({index: number;
id?: string;
/** The first 300 characters of the text. */
text: string;
/** The text in the other batch, if it differs. */
otherText?: string;
/** The address of the image; null for an inline image. */
image: string | null;
/** True if the item has the bytes of an image, which `GET …/batch/{id}/images/{index}` returns. Absent otherwise. */
imageStored?: true;
score: number;
otherScore: number;
/** The share of the compared items that have a lower score than this item; items with the same score count half. */
rank: number;
otherRank: number;})[];
higherThere: ({index: number;
id?: string;
/** The first 300 characters of the text. */
text: string;
/** The text in the other batch, if it differs. */
otherText?: string;
/** The address of the image; null for an inline image. */
image: string | null;
/** True if the item has the bytes of an image, which `GET …/batch/{id}/images/{index}` returns. Absent otherwise. */
imageStored?: true;
score: number;
otherScore: number;
/** The share of the compared items that have a lower score than this item; items with the same score count half. */
rank: number;
otherRank: number;})[];};};

/** A sample of the pairs of a batch, with the labels that people gave. */
export type Judgement = {/** The id of the sample; null if the batch has none. */
sample: (string) | (null);
/** The threshold around which the pairs were sampled. */
threshold?: number;
/** The lower ends of the score ranges from which the pairs were sampled. An estimate weights each label by the pairs of its range. */
edges: (number)[];
/** The pairs in the order of the sample. */
pairs: (JudgedPair)[];};

export type JudgedPair = {/** The index of an item of the batch. */
index: number;
id?: string;
text: string;
/** The HTTP address of the image; null for any other source. */
image: string | null;
/** The path of the image file, if the image was posted with a path. */
imagePath?: string;
/** True if the item has the bytes of an image, which `GET …/batch/{id}/images/{index}` returns. Absent otherwise. */
imageStored?: true;
/** 100 * max(cosine, 0) */
score: number;
cosine: number;
/** The probability that the text describes the image: the sigmoid of logit scale * cosine + logit bias. Only models of the SigLIP families have it. */
probability?: number;
label?: PairLabel;};

/** The number of pairs of the whole sample by label. */
export type SampleCounts = {/** The id of the sample. */
sample: string;
right: number;
wrong: number;
/** The number of pairs without a label. */
open: number;};

export type RankResponse = {/** The best candidate first. */
results: ({/** Position in the posted candidates, from 0. */
index: number;
/** The candidate, if the candidates are texts. */
text?: string;
/** 100 * max(cosine, 0) */
score: number;
cosine: number;
/** Softmax of logit scale * cosine over the candidates of this request; compare it only within the request. For models of the SigLIP families: the sigmoid of logit scale * cosine + logit bias of the pair. */
probability: number;})[];
/** Images that could not be evaluated; the others are ranked without them. */
failures: ({index: number;
error: ItemError;})[];
/** `softmax`: the probabilities of all candidates add up to 1. `sigmoid`: each candidate has a probability of its own. */
probabilities: "softmax" | "sigmoid";
logitScale: number;
/** The bias of the sigmoid; null for a softmax. */
logitBias: number | null;
receipt: Receipt;
timings: Timings;};

export type EmbeddingsResponse = {object: "list";
data: ({object: "embedding";
index: number;
/** L2-normalised. */
embedding: ((number)[]) | (string);})[];
model: string;
usage: {prompt_tokens: number;
total_tokens: number;};};

export type ModelList = {object: "list";
/** The available models, in the format of OpenAI's API. */
data: (OpenAIModel)[];
models: (Model)[];
/** The error in the changed registry files. Their previous content remains in use. */
fault: string | null;};

export type OpenAIModel = {id: string;
object: "model";
/** Always 0: the creation time of a model is unknown. */
created: number;
/** The source of its files. */
owned_by: string;};

export type Model = {model: string;
/** Profiles that refer to the model. */
profiles: (string)[];
/** True if this model answers requests that name no model. */
default: boolean;
description: string | null;
revision: string;
/** The source of its files. */
source: string;
/** The model family, which determines how its files are read. */
family: string | null;
/** `softmax`: the probabilities of all candidates of a request add up to 1. `sigmoid`: each pair has a probability of its own. */
probabilities: ("softmax" | "sigmoid") | (null);
logitScale: number | null;
/** The bias of the sigmoid. */
logitBias: number | null;
dimensions: (number) | (null);
contextLength: (number) | (null);
/** `absent`: its files are not available. `available`: it is loaded on first use. */
state: "absent" | "available" | "loading" | "loaded" | "failed";
/** True if the model reproduced the values of its reference implementation when it was loaded; false if it has no such values. */
verified: boolean | null;
precision: string | null;
provider: string | null;
/** The reason for this provider and precision. */
choice: string | null;
/** Approximate memory of one encoder. */
memoryBytes: (number) | (null);
encoders: ({ready: number;
configured: number;
threads: number;
restarts: number;}) | (null);
/** The maximum number of images in one run of the vision model. */
microBatch: (number) | (null);
speed: {/** Throughput of the vision models of all encoders, measured on this machine. */
measuredImagesPerSecond: number | null;
stated: ({imagesPerSecond: number;
on: string;}) | (null);};
/** The command that pulls its files from a hub; null for a model in a folder. */
pullCommand: string | null;
/** An incomplete pull of its files on this machine. */
pull: ({/** `interrupted`: the same command resumes the pull. */
state: "running" | "interrupted";
receivedBytes: number;
/** The size of all files of the pull, if known. */
bytes: (number) | (null);}) | (null);
/** The reason why the model is absent or could not be loaded. */
detail: string | null;};

export type TrafficList = {profiles: (TrafficReport)[];};

export type TrafficReport = {profile: string;
experiment: string;
arms: (ArmReport)[];
canary: ({model: string;
phase: CanaryPhase;
/** The reason of the promotion or the rollback. */
reason: string | null;
since: (string) | (null);
promoteAfter: number;
/** The number of consecutive windows that the canary has passed. */
passed: number;
window: ({number: number;
items: number;
of: number;}) | (null);
/** The latest first. */
windows: ({number: number;
verdict: "passed" | "failed";
/** The reasons of a failure; empty if the window passed. */
reasons: (string)[];
endedAt: string;
figures: {/** Items that the canary answered; invalid items do not count. */
items: number;
/** The share of the items of the canary that failed. */
errorShare: (number) | (null);
mainErrorShare: (number) | (null);
/** The inference time of the canary divided by that of the main model: the median over the items that both models scored. */
latencyRatio: number | null;
/** Items that both models scored. */
compared: number;
/** Mean absolute difference of the two scores, on a scale of 0 to 100; null for models of different families. */
scoreDrift: number | null;
/** Spearman's correlation over the items that both models scored. */
rankCorrelation: number | null;};})[];}) | (null);
comparisons: (Comparison)[];
/** The error that keeps a model from getting a share of the images. */
fault: string | null;};

export type ArmReport = {role: ArmRole;
model: string;
revision: string;
/** The share of the images that the model gets by its configuration. */
share: number;
/** The current share, which differs from the configured one when the canary was promoted or rolled back. */
shareNow: number;
items: number;
failed: number;
errorShare: (number) | (null);
meanScore: number | null;
/** Half of the width of the 95 % confidence interval of the mean score. */
meanScoreMargin: number | null;
/** The mean time of an item in the vision and the text model. */
meanInferenceMs: number | null;};

export type CanaryPhase = "trial" | "promoted" | "rolled_back";

export type Comparison = {kind: "canary" | "shadow";
candidate: string;
reference: string;
comparedBy: ComparedBy;
pairs: number;
/** Items that the reference model scored and the candidate model could not. */
failed: number;
/** Mean difference of the scores, candidate minus reference, on a scale of 0 to 100. This field and the two absolute differences are null when the models are compared by ranks. */
meanDifference: number | null;
meanAbsoluteDifference: number | null;
maxAbsoluteDifference: number | null;
/** Spearman's correlation over the latest 2,000 items. */
rankCorrelation: number | null;
/** The 50 items with the largest differences, the largest first. Empty with `comparedBy: ranks`. */
worst: ({/** The address of the image; null for an inline image. */
image: string | null;
/** The first 300 characters of the text. */
text: string;
/** The score of the reference model. */
reference: number;
candidate: number;})[];};

/** `scores`: the two models are compared by their scores and by their order of the items. `ranks`: only by their order of the items, because scores of different families have different scales. */
export type ComparedBy = "scores" | "ranks";

export type Session = {/** True if the service requires keys. */
keysRequired: boolean;
/** True if requests like this one are authorised. */
authenticated: boolean;
tenant: string | null;
role: ("tenant" | "operator") | (null);};

export type Health = {/** `degraded`: single pairs are scored, but batches are not, or may get lost because processes have different settings. `unavailable`: nothing can be scored. */
status: "ok" | "degraded" | "unavailable";
version: string;
uptimeSeconds: number;
redis: {/** `refusing`: Redis answers but refuses writes. `down`: Redis does not answer. */
status: "ok" | "refusing" | "down";
/** The fault of Redis; `detail` describes it. */
fault: ("unreachable" | "silent" | "loading" | "password" | "not_permitted" | "read_only" | "full" | "disk" | "replicas" | "cluster" | "refused") | (null);
server: ("Redis" | "Valkey") | (null);
/** The version of the server program, Redis or Valkey. */
version: string | null;
/** The data that survives a crash of Redis: `always`: all acknowledged writes, `everysec`: all but those of the last 2 s, `none`: nothing. */
durability: ("always" | "everysec" | "none" | "unknown") | (null);
detail: string | null;};
models: ({model: string;
revision: string;
state: "loading" | "ready" | "failed";
encoders: {ready: number;
configured: number;
restarts: number;};
detail: string | null;})[];
/** One sentence for each setting that must be equal in all processes of this service but differs. For operators. Normally empty. */
settings: (string)[];
/** The number of worker connections to all queues together; null without Redis. */
workers: (number) | (null);
/** The jobs of all tenants. Only for operators; null for tenants and without Redis. */
queues: (({name: string;
waiting: number;
active: number;
failed: number;
workers: number;})[]) | (null);};

export type OpenAIModelList = {object: "list";
data: (OpenAIModel)[];};

export type ScoreResponse = {id: string;
object: "list";
/** In seconds since 1970. */
created: number;
model: string;
data: ({index: number;
object: "score";
/** The cosine of the two embeddings, as vLLM computes it for embedding models. */
score: number;})[];
usage: {prompt_tokens: number;
total_tokens: number;
completion_tokens: 0;};};

export type OpenAIFile = {id: string;
object: "file";
bytes: number;
/** In seconds since 1970. */
created_at: number;
expires_at: (number) | (null);
filename: string;
purpose: "batch" | "batch_output";
status: "processed";};

export type OpenAIFileList = {object: "list";
data: (OpenAIFile)[];
first_id: string | null;
last_id: string | null;
has_more: boolean;};

export type OpenAIFileDeleted = {id: string;
object: "file";
deleted: true;};

export type OpenAIBatch = {id: string;
object: "batch";
endpoint: "/v1/embeddings" | "/v1/score";
model: string;
errors: ({object: "list";
data: ({code: string;
message: string;
param: string | null;
line: (number) | (null);})[];}) | (null);
input_file_id: string;
completion_window: string;
status: "validating" | "failed" | "in_progress" | "finalizing" | "completed" | "cancelling" | "cancelled";
output_file_id: string | null;
error_file_id: string | null;
/** In seconds since 1970. */
created_at: number;
in_progress_at: (number) | (null);
expires_at: (number) | (null);
finalizing_at: (number) | (null);
completed_at: (number) | (null);
failed_at: (number) | (null);
expired_at: (number) | (null);
cancelling_at: (number) | (null);
cancelled_at: (number) | (null);
request_counts: {total: number;
completed: number;
failed: number;};
metadata: ({[key: string]: string;}) | (null);};

export type OpenAIBatchList = {object: "list";
data: (OpenAIBatch)[];
first_id: string | null;
last_id: string | null;
has_more: boolean;};

export interface paths {'/evaluator/v1/evaluation/single': {post: {/** Score one image against one or more texts */
parameters: {query?: never;path?: never;header?: {/** Your own id for this request, used in the logs. */
"X-Request-Id"?: string;};cookie?: never;}; requestBody: {content: {'application/json': SingleRequest;'multipart/form-data': FormData;};}; responses: {200: {headers: Record<string, unknown>; content: {'application/json': SingleResponse;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
408: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
413: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
415: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
422: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
502: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
504: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/evaluation/batch': {post: {/** Post a batch of items */
parameters: {query?: {/** With `true`, the service refuses the whole batch with 400 if one item is invalid. */
strict?: "true" | "false";
/** A profile or a model name. */
model?: string;
/** For a text with more tokens than the model reads: `truncate` scores its beginning with a warning, `error` fails with `text.too_long`. */
longText?: "truncate" | "error";
priority?: number;
failureBudgetCount?: number;
failureBudgetShare?: number;
/** Default: 100. */
failureBudgetAfter?: number;
webhook?: string;
/** Stores the L2-normalised embeddings of the images, of the texts, or of both next to the results. `/embeddings` returns them. */
embeddings?: "image" | "text" | "both";
/** Type of the stored numbers. Default: `float16`. */
embeddingPrecision?: "float16" | "float32";
/** Id of an earlier batch with stored image embeddings and the same model. The `image` of each item is then the index of an item of that batch, as text: `"17"`. No image is fetched or decoded. */
imagesFrom?: string;
/** A display name. Default: the name of the uploaded file. */
name?: string;
/** Tags, separated by commas; at most 16. Lists of batches can be limited to a tag. */
tags?: string;
/** CSV, TSV and Parquet: name of the column with the image. */
image?: string;
/** CSV, TSV and Parquet: name of the column with the text. */
text?: string;
/** CSV, TSV and Parquet: name of the column with the id, if there is one. */
id?: string;
/** CSV and TSV: separator of columns. Default: a comma in CSV, a tab in TSV. */
delimiter?: string;
/** The text encoding of NDJSON, CSV, TSV and JSON, as a name of the WHATWG Encoding Standard such as `windows-1252`. The `charset` of the content type may state it instead. Default: UTF-8, or UTF-16 if it is detected. */
encoding?: string;
/** NDJSON, JSON and WebDataset: the names of all columns of the original table, as a JSON list. Result tables contain these columns too. The parameters `image`, `text` and `id` name the columns that were read. */
columns?: string;};path?: never;header?: {/** Printable ASCII. Repeating the same request with the same key returns the same batch. */
"Idempotency-Key"?: string;
/** `wait=N`: answer when the batch has ended, or after N seconds. */
Prefer?: string;};cookie?: never;}; requestBody: {content: {'application/json': BatchRequest;'application/x-ndjson': string;'text/csv': string;'text/tab-separated-values': string;'application/vnd.apache.parquet': string;'application/x-tar': string;'multipart/form-data': FormData;};}; responses: {200: {headers: Record<string, unknown>; content: {'application/json': BatchWithResults;};};
202: {headers: Record<string, unknown>; content: {'application/json': BatchStatus;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
408: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
409: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
413: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
415: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
422: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
507: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};
get: {/** List your batches, the latest first */
parameters: {query?: {/** Only batches in one of these states, separated by commas. */
state?: string;
/** For operators: batches of this tenant; `*` for all tenants. */
tenant?: string;
/** Only batches whose name, id or tag contains this value; upper and lower case count as the same. */
q?: string;
/** Only batches with this tag. */
tag?: string;
/** Only batches with this number of items. */
items?: number;
/** With `true`, each batch also has the mean and a coarse histogram of its scores. */
scores?: "true" | "false";
cursor?: string;
limit?: number;};path?: never;header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': BatchList;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/evaluation/batch/{id}': {get: {/** Read the status of a batch */
parameters: {query?: never;path: {/** Id of the batch. */
id: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': BatchStatus;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};
patch: {/** Change the name, the tags or the retention of a batch */
parameters: {query?: never;path: {/** Id of the batch. */
id: string;};header?: never;cookie?: never;}; requestBody: {content: {'application/json': BatchChange;};}; responses: {200: {headers: Record<string, unknown>; content: {'application/json': BatchStatus;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
408: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
413: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
415: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};
delete: {/** Delete a batch; a running one is cancelled first */
parameters: {query?: never;path: {/** Id of the batch. */
id: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {204: {headers: Record<string, unknown>; content?: never;};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/evaluation/batch/{id}/cancel': {post: {/** Cancel a batch */
parameters: {query?: never;path: {/** Id of the batch. */
id: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': BatchStatus;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/evaluation/batch/{id}/retry': {post: {/** Evaluate the failed or cancelled items again */
parameters: {query?: {/** The items to evaluate: `failed`, which is the default, `cancelled`, or `failed,cancelled`. With `cancelled`, a cancelled batch is continued. */
status?: string;
/** With `true`: of the failed items, only those that may succeed when they are retried. */
retryable?: "true" | "false";};path: {/** Id of the batch. */
id: string;};header?: {/** Printable ASCII. Repeating the same request with the same key returns the same batch. */
"Idempotency-Key"?: string;};cookie?: never;}; requestBody?: never; responses: {202: {headers: Record<string, unknown>; content: {'application/json': BatchStatus;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
409: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
507: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/evaluation/batch/{id}/rescore': {post: {/** Score the items of a batch again */
parameters: {query?: {/** A profile or a model name. Default: the model of the batch. */
model?: string;
/** `own`, the default: each image is scored with its own text, for example by another model. `others`: each image is scored with the text of another item, which shows the scores that wrong pairs get. */
texts?: RescoredTexts;
/** The approximate number of items to score, spread evenly over the batch. Default: all items, each with the index that it has in the original batch. */
sample?: number;
/** A display name. Default: the name of the original batch. */
name?: string;};path: {/** Id of the batch. */
id: string;};header?: {/** Printable ASCII. Repeating the same request with the same key returns the same batch. */
"Idempotency-Key"?: string;};cookie?: never;}; requestBody?: never; responses: {202: {headers: Record<string, unknown>; content: {'application/json': BatchStatus;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
409: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
507: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/evaluation/batch/{id}/results': {get: {/** Read the results of a batch, also while it runs */
parameters: {query?: {/** `next` of the previous page of JSON. Default: the first page. */
cursor?: string;
/** Maximum number of results in a JSON page. Default: 1000. With `sort`, `top`, `other`, `distinct` or `sample`, it also applies to NDJSON, CSV, TSV or Parquet, which otherwise contain the whole batch. */
limit?: number;
/** Only items with this outcome. */
status?: "succeeded" | "failed" | "cancelled" | "answered";
/** Only items with this score or a higher one. */
minScore?: string;
/** Only items with this score or a lower one. */
maxScore?: string;
/** Only items that failed with this code. */
code?: "image.source_invalid" | "image.fetch.http_status" | "image.fetch.unavailable" | "image.fetch.timeout" | "image.fetch.unknown_host" | "image.fetch.dns" | "image.fetch.network" | "image.fetch.tls" | "image.fetch.protocol" | "image.fetch.blocked_address" | "image.fetch.too_many_redirects" | "image.file.refused" | "image.file.not_found" | "image.too_large" | "image.too_many_pixels" | "image.unsupported_format" | "image.corrupt" | "image.decode_timeout" | "image.not_stored" | "text.empty" | "text.too_long" | "item.too_large" | "item.too_deep" | "item.encoding" | "item.invalid" | "model.unknown" | "model.unavailable" | "request.malformed_json" | "request.encoding" | "request.invalid" | "request.too_large" | "request.too_deep" | "request.unsupported_media_type" | "request.not_acceptable" | "request.aborted" | "request.timeout" | "request.unknown_host" | "request.foreign_origin" | "access.key_missing" | "access.key_invalid" | "access.throttled" | "access.operator_only" | "tenant.rate_limited" | "tenant.queue_full" | "tenant.too_many_streams" | "route.not_found" | "route.method_not_allowed" | "traffic.not_shared" | "traffic.no_canary" | "batch.not_found" | "batch.empty" | "batch.too_many_items" | "batch.not_finished" | "batch.nothing_to_retry" | "batch.input_expired" | "batch.no_image" | "batch.no_embeddings" | "batch.other_model" | "batch.other_sample" | "batch.interrupted" | "file.not_found" | "storage.outside" | "storage.not_found" | "storage.forbidden" | "storage.changed" | "storage.unavailable" | "idempotency.in_flight" | "idempotency.mismatch" | "queue.full" | "queue.unavailable" | "overloaded" | "cancelled" | "internal.poison" | "internal";
/** Only items whose id or text contains this value; upper and lower case count as the same. */
q?: string;
/** JSON and NDJSON: with `true`, each result also has the text of its item and the address of its image. The other formats always have both. */
items?: "true" | "false";
/** `score`: the lowest first. `-score`: the highest first. `cosine` and `-cosine`: the same by cosine. This also orders the items of score 0: every negative cosine has the score 0. `index`: the order of the items. Items with the same score are in index order, items without a score come last. Default: the order of the items; a JSON page without `top` has the order of evaluation. */
sort?: "score" | "-score" | "cosine" | "-cosine" | "index";
/** Only the items with the highest scores: a share of all items with a score (`0.3` or `30%`), or a number of items (`100000`). Items tied with the last selected item are also included, so there can be more items than asked for; the response states how many items were selected. */
top?: string;
/** The id of another batch of the same items, for example scored by another model. Selects the items with a score in both batches, unless `otherScored` is `false`. Items are matched by their index. Without `sort`, they are in index order. */
other?: string;
/** With `other`: only items that have this score or a higher one in the other batch. */
otherMinScore?: string;
/** With `other`: only items that have this score or a lower one in the other batch. */
otherMaxScore?: string;
/** With `other`: `false` selects the items with a score in this batch and none in the other, in place of those with a score in both. It cannot be combined with conditions on the score in the other batch. */
otherScored?: "true" | "false";
/** With `other`: only items whose two scores differ by this number of points or more. */
minDifference?: string;
/** Only one item of each group of items with the same `image`, or with the same image and text (`pair`): the first one in the order of the query that meets all other conditions. Two images are the same if their bytes are equal, even at different addresses. Items without a score are not grouped. Without `sort`, in the order of the items. */
distinct?: "image" | "pair";
/** Only the item with this index and the items with the same image. */
sameImageAs?: string;
/** Only the item with this index and the items with the same image and text. */
samePairAs?: string;
/** Only this number of items, drawn at random from the items with a score that meet all conditions except `q`. Without `sort`, in the order of the items. */
sample?: number;
/** With `sample`: another seed draws other items. The same seed draws the same items on each page. Default: 0. */
seed?: number;
/** JSON pages with `sort`, `top`, `other`, `distinct` or `sample`: skips this many results, so that a client can read the middle of a long list directly. Not allowed with `q` or for cancelled items. `cursor` takes precedence. */
skip?: number;
/** CSV and TSV: `escape`, which is the default, puts an apostrophe before text that a spreadsheet would interpret as a formula; `keep` does not. The other formats never change a value. */
formulas?: "escape" | "keep";};path: {/** Id of the batch. */
id: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': ResultsPage;'application/x-ndjson': string;'text/csv': string;'text/tab-separated-values': string;'application/vnd.apache.parquet': string;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
406: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/evaluation/batch/{id}/summary': {get: {/** Read the histogram, mean, percentiles, lowest and highest items of a batch */
parameters: {query?: never;path: {/** Id of the batch. */
id: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': BatchSummary;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/evaluation/batch/{id}/comparison': {get: {/** Compare a batch with another batch of the same items */
parameters: {query: {/** The id of another batch with the same number of items. */
other: string;
/** A threshold for this batch. Without it, `sides` is null. */
threshold?: string;
/** A threshold for the other batch. Default: `threshold`, if both batches have the same model and revision, or if as many items reach it in the other batch. Otherwise the shortest number that as many items reach in the other batch, or fewer if equal scores prevent the same number. */
otherThreshold?: string;
/** Maximum length of each list of disagreements. Default: 12. */
disagreements?: number;};path: {/** Id of the batch. */
id: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': BatchComparison;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/evaluation/batch/{id}/events': {get: {/** Follow a batch (server-sent events) */
parameters: {query?: {/** Has the meaning of the `Last-Event-ID` header, for scripts in web pages: they cannot set the headers of an EventSource. */
lastEventId?: string;};path: {/** Id of the batch. */
id: string;};header?: {/** The id of the last event that the client received. */
"Last-Event-ID"?: string;};cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'text/event-stream': string;};};
204: {headers: Record<string, unknown>; content?: never;};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/evaluation/batch/{id}/judgement': {get: {/** Read the judged sample of a batch */
parameters: {query?: never;path: {/** Id of the batch. */
id: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': Judgement;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};
put: {/** Begin a sample of pairs to judge */
parameters: {query?: never;path: {/** Id of the batch. */
id: string;};header?: never;cookie?: never;}; requestBody: {content: {'application/json': SampleStart;};}; responses: {200: {headers: Record<string, unknown>; content: {'application/json': SampleCounts;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
408: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
409: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
413: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
415: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
507: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};
patch: {/** Label pairs of the sample as right or wrong */
parameters: {query?: never;path: {/** Id of the batch. */
id: string;};header?: never;cookie?: never;}; requestBody: {content: {'application/json': SampleLabels;};}; responses: {200: {headers: Record<string, unknown>; content: {'application/json': SampleCounts;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
408: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
409: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
413: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
415: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
507: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};
delete: {/** Delete the sample and its labels */
parameters: {query?: {/** Deletes only the sample with this id. Default: deletes any sample. */
sample?: string;};path: {/** Id of the batch. */
id: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {204: {headers: Record<string, unknown>; content?: never;};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
409: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/evaluation/batch/{id}/embeddings': {get: {/** Read the stored embeddings of a batch that has ended */
parameters: {query?: {/** Required if the batch stores both kinds. Default: the only kind that the batch stores. */
kind?: "image" | "text";
/** `npy`, the default: an array of NumPy with one row for each item, so that the row number is the index; rows of items without a score are NaN. `parquet`: the columns `index` and `embedding`, a list of 32-bit floats, null for items without a score. */
format?: "npy" | "parquet";};path: {/** Id of the batch. */
id: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/x-npy': string;'application/vnd.apache.parquet': string;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
409: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/evaluation/batch/{id}/images/{index}': {get: {/** Read an image that was posted as bytes */
parameters: {query?: never;path: {/** Id of the batch. */
id: string;
/** Index of the item, from 0. */
index: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'image/jpeg': string;'image/png': string;'image/gif': string;'image/webp': string;'image/tiff': string;'image/avif': string;'image/heif': string;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
409: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
422: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/evaluation/rank': {post: {/** Rank texts for an image, or images for a text */
parameters: {query?: never;path?: never;header?: never;cookie?: never;}; requestBody: {content: {'application/json': RankRequest;};}; responses: {200: {headers: Record<string, unknown>; content: {'application/json': RankResponse;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
408: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
413: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
415: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
422: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
502: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
504: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/embeddings': {post: {/** Compute embeddings of texts and images */
parameters: {query?: never;path?: never;header?: never;cookie?: never;}; requestBody: {content: {'application/json': EmbeddingsRequest;};}; responses: {200: {headers: Record<string, unknown>; content: {'application/json': EmbeddingsResponse;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
408: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
413: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
415: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
422: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
502: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
504: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/models': {get: {/** List models with their state in this process */
parameters: {query?: never;path?: never;header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': ModelList;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/models/{model}': {get: {/** Read one model, in the format of OpenAI's API */
parameters: {query?: never;path: {/** A profile or a model name. */
model: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': OpenAIModel;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/traffic': {get: {/** List profiles that divide their traffic among models */
parameters: {query?: never;path?: never;header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': TrafficList;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/traffic/{profile}': {get: {/** Read the traffic report of a profile: each model, the windows of its canary, and comparisons of two models */
parameters: {query?: never;path: {/** A profile that divides its traffic among models. */
profile: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': TrafficReport;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/v1/traffic/{profile}/{action}': {post: {/** Promote a canary, roll it back, or restart its trial */
parameters: {query?: never;path: {/** A profile that divides its traffic among models. */
profile: string;
action: "promote" | "rollback" | "restart";};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': TrafficReport;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
409: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/session': {get: {/** Read the tenant and role of this request */
parameters: {query?: never;path?: never;header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': Session;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};
post: {/** Sign a browser in */
parameters: {query?: never;path?: never;header?: never;cookie?: never;}; requestBody: {content: {'application/json': SignIn;'application/x-www-form-urlencoded': SignIn;};}; responses: {200: {headers: Record<string, unknown>; content: {'application/json': Session;};};
303: {headers: Record<string, unknown>; content?: never;};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
408: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
413: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
415: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};
delete: {/** Sign the browser out */
parameters: {query?: never;path?: never;header?: never;cookie?: never;}; requestBody?: never; responses: {204: {headers: Record<string, unknown>; content?: never;};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/health': {get: {/** State of Redis, models, encoders, workers and queues */
parameters: {query?: never;path?: never;header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': Health;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/json': Health;};};};};};
'/evaluator/health/live': {get: {/** Check that the process answers */
parameters: {query?: never;path?: never;header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'text/plain': string;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/evaluator/health/ready': {get: {/** Check that this process can score single pairs */
parameters: {query?: never;path?: never;header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'text/plain': string;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'text/plain': string;};};};};};
'/evaluator/metrics': {get: {/** Metrics in the Prometheus text format */
parameters: {query?: never;path?: never;header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'text/plain': string;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/v1/embeddings': {post: {/** Compute embeddings of texts and images */
parameters: {query?: never;path?: never;header?: never;cookie?: never;}; requestBody: {content: {'application/json': EmbeddingsRequest;};}; responses: {200: {headers: Record<string, unknown>; content: {'application/json': EmbeddingsResponse;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
408: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
413: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
415: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
422: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
502: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
504: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/v1/models': {get: {/** List the available models in the format of OpenAI's API */
parameters: {query?: never;path?: never;header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': OpenAIModelList;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/v1/models/{model}': {get: {/** Read one model in the format of OpenAI's API */
parameters: {query?: never;path: {/** A profile or a model name. */
model: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': OpenAIModel;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/v1/score': {post: {/** Compute the cosines of pairs, in the format of vLLM */
parameters: {query?: never;path?: never;header?: never;cookie?: never;}; requestBody: {content: {'application/json': ScoreRequest;};}; responses: {200: {headers: Record<string, unknown>; content: {'application/json': ScoreResponse;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
408: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
413: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
415: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
422: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
502: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
504: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/v1/files': {post: {/** Upload a file of requests for a batch */
parameters: {query?: never;path?: never;header?: never;cookie?: never;}; requestBody: {content: {'multipart/form-data': FormData;};}; responses: {200: {headers: Record<string, unknown>; content: {'application/json': OpenAIFile;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
408: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
413: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
415: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
507: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};
get: {/** List your uploaded files, the latest first */
parameters: {query?: {/** The last id of the previous page. */
after?: string;
limit?: number;
/** Only files of this purpose. */
purpose?: string;
/** Accepted for compatibility and ignored: the latest files always come first. */
order?: "asc" | "desc";};path?: never;header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': OpenAIFileList;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/v1/files/{id}': {get: {/** Read the name, size and times of a file */
parameters: {query?: never;path: {/** Id of the file. */
id: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': OpenAIFile;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};
delete: {/** Delete an uploaded file */
parameters: {query?: never;path: {/** Id of the file. */
id: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': OpenAIFileDeleted;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/v1/files/{id}/content': {get: {/** Download an uploaded file, or an output file of a batch that has ended */
parameters: {query?: never;path: {/** Id of the file. */
id: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/octet-stream': string;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/v1/batches': {post: {/** Create a batch from a file of requests */
parameters: {query?: never;path?: never;header?: never;cookie?: never;}; requestBody: {content: {'application/json': OpenAIBatchRequest;};}; responses: {200: {headers: Record<string, unknown>; content: {'application/json': OpenAIBatch;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
408: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
409: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
413: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
415: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
422: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
507: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};
get: {/** List your batches of requests, the latest first */
parameters: {query?: {/** The last id of the previous page. */
after?: string;
limit?: number;};path?: never;header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': OpenAIBatchList;};};
400: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/v1/batches/{id}': {get: {/** Read a batch of requests */
parameters: {query?: never;path: {/** Id of the batch. */
id: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': OpenAIBatch;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};
'/v1/batches/{id}/cancel': {post: {/** Cancel a batch of requests */
parameters: {query?: never;path: {/** Id of the batch. */
id: string;};header?: never;cookie?: never;}; requestBody?: never; responses: {200: {headers: Record<string, unknown>; content: {'application/json': OpenAIBatch;};};
401: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
403: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
404: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
421: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
429: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
500: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};
503: {headers: Record<string, unknown>; content: {'application/problem+json': Problem;};};};};};}
