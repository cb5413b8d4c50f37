// New images over HTTP: PORT=8080 node examples/serve-samples.js [RUN], then http://localhost:8080/?n=16&seed=3
import { createServer } from "node:http";
import { drawImages, encodePng, loadModel, UserError } from "vae";

const MOST = 400;
const model = await loadModel(process.argv[2]); // without a folder, the newest in runs/

const server = createServer(async (request, response) => {
  const answer = (status, type, body) => response.writeHead(status, { "content-type": type }).end(body);
  const { searchParams } = new URL(request.url, "http://localhost");
  const [n, seed] = [Number(searchParams.get("n") ?? 1), Number(searchParams.get("seed") ?? Date.now())];
  try {
    if (n > MOST) throw new UserError(`n must be at most ${MOST}.`);
    answer(200, "image/png", encodePng(drawImages(await model.sample(n, { seed }))));
  } catch (error) {
    if (error instanceof UserError) answer(400, "text/plain", `${error.message}\n`);
    else {
      console.error(error);
      answer(500, "text/plain", "Something went wrong here.\n");
    }
  }
});

server.listen(Number(process.env.PORT ?? 8080), () => console.log(`http://localhost:${server.address().port}/`));
process.once("SIGTERM", () => server.close(() => model.close()));
