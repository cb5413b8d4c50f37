// Names of other programs for flags, values and commands of vae.

const GPU = "--device gpu uses the GPU: vae engines shows which.";

/** Flags and their other names, in lower-case letters and digits only. */
const FLAGS: readonly (readonly [flag: string, names: string])[] = [
  ["--learning-rate", "lr stepsize"],
  ["--batch-size", "b bs batch minibatch minibatchsize trainbatchsize"],
  ["--epochs", "e epoch nepoch nepochs numepoch numepochs maxepoch maxepochs nbepoch trainepochs iterations iters"],
  [
    "--dim-z",
    "z nz ndim latent latents latentdim latentdims latentsize latentdimension latentdimensions nlatent nlatents " +
      "zdim zdims zsize codesize codedim encodingdim bottleneck embeddingdim embeddingsize dimlatent hiddenz",
  ],
  ["--n-hidden", "hidden hiddendim hiddendims hiddensize hiddenunits hiddenlayers nhid nhiddenunits units layers"],
  ["--dataset", "d data dataroot datadir datapath datafolder input inputs traindata traindir images"],
  ["--out", "o output outputfile outfile outputdir outdir save savepath to"],
  [
    "--run",
    "o out output outputdir outdir savedir savepath logdir resultdir resultsdir workdir rundir name experiment",
  ],
  ["--resume", "checkpoint ckpt load restore continue resumefrom"],
  ["--run", "model modelpath modeldir checkpoint checkpointpath ckpt weights load restore r from"],
  ["--input", "i in file files image images latents"],
  ["--n", "num number count samples nsamples numsamples nimages numimages limit"],
  ["--threads", "workers numworkers nworkers jobs j numthreads nthreads"],
  ["--keep-prob", "dropout dropoutrate droprate keep keepprobability"],
  ["--size", "imagesize imgsize imsize resolution resize"],
  ["--beta", "kl klweight kldweight betakl"],
  ["--network", "arch architecture backbone encoder decoder"],
  ["--objective", "loss criterion lossfunction bound"],
  ["--importance-samples", "k niw iwsamples iwaesamples"],
  ["--seed", "s randomseed rngseed manualseed randomstate"],
  ["--patience", "earlystop earlystopping earlystoppingpatience"],
  ["--preset", "c config configfile"],
  ["--channels", "inchannels nchannels color colour grayscale greyscale"],
  ["--classes", "labels"],
  ["--limit", "maxsamples maximages nsamples numsamples"],
  ["--tensorboard", "tb usetensorboard tensorboardlog logtensorboard summary summarywriter tfevents"],
  ["--quiet", "q silent"],
  ["--json", "j asjson"],
  ["--version", "v"],
];

/** Settings without a flag. */
const SETTINGS: readonly (readonly [setting: string, names: string])[] = [
  ["klWarmUp", "warmup warmupepochs klannealing klanneal annealing kldwarmup betawarmup"],
  ["weightDecay", "wd decay l2"],
  ["adamBeta1", "beta1 b1"],
  ["adamBeta2", "beta2 b2"],
  ["adamEpsilon", "eps epsilon"],
  ["learningRateSchedule", "scheduler lrscheduler lrschedule schedule"],
  ["learningRateMilestones", "milestones lrmilestones"],
  ["learningRateDecay", "gamma lrdecay lrgamma"],
  ["kernelSize", "kernel"],
  ["convActivation", "activation"],
];

const REMEDIES: readonly (readonly [remedy: string, names: string])[] = [
  [GPU, "devices gpu gpus cuda usegpu usecuda nocuda cpu mps accelerator ngpu ngpus gpuid tpu"],
  ["Adam trains all models: see adamBeta1 and others in docs/settings.md.", "optimizer optim opt"],
  [
    "Give --tensorboard to vae train, or use vae export --format tensorboard.",
    "tensorboard tb usetensorboard tensorboardlog logtensorboard summary summarywriter tfevents",
  ],
  ["See docs/tracking.md for other programs.", "wandb usewandb mlflow usemlflow logger tracker reportto"],
  ["A denoiser is trained with --noise.", "denoise denoising noisefactor corruption"],
];

/** Remedies for values of other programs. The first match applies. */
const VALUES: readonly (readonly [flag: string, value: RegExp, remedy: string])[] = [
  ["--model", /cond|^cvae/, "Use --conditional."],
  ["--model", /denois|^dae/, "Use --noise."],
  ["--model", /conv|cnn|dcgan|resnet/, "Use --network conv."],
  ["--model", /mlp|dense|linear|fully|^fc/, "Use --network mlp."],
  ["--model", /iwae|importance/, "Use --objective iwae."],
  ["--model", /tc/, "Use --objective beta-tc."],
  ["--model", /beta|^bvae/, "Use --beta with a number above 1."],
  ["--model", /wae|mmd|info/, "Use --objective mmd."],
  ["--objective", /^beta-?vae|^bvae/, "Use --beta with a number above 1."],
  ["--objective", /tc/, "Use --objective beta-tc."],
  ["--objective", /wae(?<!iwae)|info/, "Use --objective mmd."],
  ["--objective", /^vae|^kl|^bce|^mse/, "Use --objective elbo."],
  ["--network", /cnn|dcgan|resnet|conv/, "Use --network conv."],
  ["--network", /dense|linear|fully|^fc/, "Use --network mlp."],
  ["--engine", /gpu|cuda|mps|tpu/, GPU],
  ["--device", /cuda|mps|metal|vulkan|d3d|directx/, "Use --device gpu."],
  ["--device", /processor|host/, "Use --device cpu."],
  ["--engine", /onnx|ort/, "Use --engine compiled."],
  ["--engine", /tf|node/, "Use --engine tensorflow."],
  ["--binarize", /^(true|yes|on|static|fixed)$/, "Use --binarize threshold."],
  ["--binarize", /^(false|no|off)$/, "Use --binarize none."],
  ["--binarize", /stoch|random|bernoulli/, "Use --binarize dynamic."],
  ["--channels", /rgb|colou?r/, "Use --channels 3."],
  ["--channels", /gr[ae]y|^l$|mono/, "Use --channels 1."],
  ["--layout", /nhwc|last/, "Use --layout hwc."],
  ["--layout", /nchw|first/, "Use --layout chw."],
];

/** Commands and their other names. */
const COMMANDS: readonly (readonly [command: string, names: string])[] = [
  ["train", "fit learn run start new mnist"],
  ["train --resume", "resume continue"],
  ["train --sweep", "sweep tune search grid hyperopt"],
  ["sample", "generate gen draw create synthesize"],
  ["evaluate", "test eval score benchmark validate measure loss metrics"],
  ["reconstruct", "predict reconstruction recon denoise autoencode infer inference restore"],
  ["latent", "plot visualize visualise viz embedding umap tsne pca scatter"],
  ["manifold", "traverse traversal grid walk"],
  ["interpolate", "morph interpolation slerp lerp"],
  ["encode", "embed embeddings latents transform features"],
  ["decode", "decoder"],
  ["export", "convert onnx save"],
  ["export --format tensorboard", "tensorboard tb tfevents"],
  ["runs", "list ls models history experiments status"],
  ["compare", "diff"],
  ["data", "inspect info dataset datasets check prepare preview"],
  ["engines", "devices device backends backend doctor gpu bench"],
  ["cache --clear", "clean clear clean-cache prune"],
  ["--version", "version"],
];

/** A name in lower case, without punctuation. */
export function plainName(name: string): string {
  return name.replace(/[^\p{L}\p{N}]/gu, "").toLowerCase();
}

function find(table: readonly (readonly [string, string])[], name: string): string[] {
  return table.filter(([, names]) => names.split(" ").includes(name)).map(([found]) => found);
}

/** Flags that other programs call `name`, the likeliest first. */
export function flagsForName(name: string): string[] {
  return find(FLAGS, plainName(name));
}

/** The setting without a flag that other programs call `name`. */
export function settingForName(name: string): string | undefined {
  return find(SETTINGS, plainName(name))[0];
}

/** The remedy for another program's option without a counterpart here. */
export function remedyFor(option: string): string | undefined {
  return find(REMEDIES, plainName(option))[0];
}

/** The remedy for another program's value of a flag. */
export function remedyForValue(flag: string, value: string): string | undefined {
  return VALUES.find(([one, pattern]) => one === flag && pattern.test(value.toLowerCase()))?.[2];
}

/** The command that other programs call `name`. */
export function commandForName(name: string): string | undefined {
  return find(COMMANDS, name.toLowerCase())[0];
}
