// The parts that settings choose, one line each.
import { bernoulli } from "./likelihoods/bernoulli.js";
import { gaussianPixels } from "./likelihoods/gaussian.js";
import { logistic } from "./likelihoods/logistic.js";
import { convolutional } from "./networks/conv.js";
import { fullyConnected } from "./networks/mlp.js";
import { betaTc } from "./objectives/beta-tc.js";
import { elbo } from "./objectives/elbo.js";
import { freeBits } from "./objectives/free-bits.js";
import { iwae } from "./objectives/iwae.js";
import { mmd } from "./objectives/mmd.js";
import { gaussian } from "./posteriors/gaussian.js";
import { iaf } from "./posteriors/iaf.js";
import { flow } from "./priors/flow.js";
import { mixture } from "./priors/mixture.js";
import { standardNormal } from "./priors/standard-normal.js";
import { vamp } from "./priors/vamp.js";

export const NETWORKS = { mlp: fullyConnected, conv: convolutional };

export const POSTERIORS = { gaussian, iaf };

export const PRIORS = { normal: standardNormal, mixture, vamp, flow };

export const LIKELIHOODS = { bernoulli, gaussian: gaussianPixels, logistic };

export const OBJECTIVES = { elbo, iwae, "free-bits": freeBits, "beta-tc": betaTc, mmd };
