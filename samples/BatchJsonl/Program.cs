// Fills the texts of a JSONL file (an object with "text" a line), many in a forward pass, and writes an object a line in the same order.
// Usage: BatchJsonl INPUT. A text that cannot be filled gets an "error"; the others are still filled. A line that is no such object ends the run.
using System.Text.Json.Nodes;
using AsArm.Inference.Infilling;
using AsArm.Models;

string input = args is [string file] ? file : Path.Combine(AppContext.BaseDirectory, "texts.jsonl");
await using TextInfiller infiller = await TextInfiller.OpenAsync(English18M.FolderPath);
await foreach (InfillOutcome outcome in infiller.InfillBatchAsync(RequestsAsync(input)))
{
    JsonObject line = outcome.Result is InfillResult result
        ? new() { ["text"] = result.Text, ["log_prob"] = result.Statistics.LogProbability }
        : new() { ["error"] = outcome.Error!.Message };
    Console.WriteLine(line.ToJsonString());
}

static async IAsyncEnumerable<InfillRequest> RequestsAsync(string path)
{
    await foreach (string line in File.ReadLinesAsync(path))
        yield return new InfillRequest(JsonNode.Parse(line)!["text"]!.GetValue<string>(), new InfillOptions { Temperature = 0.7, Seed = 1 });
}
