import { main } from "../shared/cli.ts";
import { createPlatform } from "./platform.ts";

await main(createPlatform());
