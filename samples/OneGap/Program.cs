// Fills one gap. `<mask:3>` stands for three unknown tokens.
using AsArm.Inference.Infilling;
using AsArm.Models;

await using TextInfiller infiller = await TextInfiller.OpenAsync(English18M.FolderPath);
InfillResult result = await infiller.InfillAsync("The little dog <mask:3> the garden.", new InfillOptions { Temperature = 0.7, Seed = 1 });
Console.WriteLine(result.Text);
