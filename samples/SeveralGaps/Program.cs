// Fills several gaps jointly, and tells how sure the model is of each; then compares words for one place.
using AsArm.Inference.Infilling;
using AsArm.Inference.Text;
using AsArm.Models;

await using TextInfiller infiller = await TextInfiller.OpenAsync(English18M.FolderPath);

InfillResult result = await infiller.InfillAsync("He opened the <mask>, but there was nothing <mask>.", new InfillOptions { Temperature = 0.7, Seed = 1 });
Console.WriteLine(result.Text);
foreach (InfilledGap gap in result.Gaps)
    Console.WriteLine($"  \"{gap.Text}\" at character {gap.Start}, log-probability {gap.LogProbability:F2}");

foreach (string word in new[] { "door", "window", "elephant" })
{
    // A structured prompt: nothing in its texts is taken for markup.
    ScorePrompt prompt = new ScorePrompt().AddText("He opened the ").AddSpan(word).AddText(", but there was nothing inside.");
    ScoreResult score = await infiller.ScoreAsync(prompt);
    Console.WriteLine($"{word}: log-probability {score.LogProbability:F2}");
}

var candidates = await infiller.CandidatesAsync("He opened the <mask>, but there was nothing inside.", new CandidateOptions { Count = 3 });
Console.WriteLine("most probable: " + string.Join(", ", candidates[0].Select(one => $"{one.Text} ({one.Probability:P1})")));
