// Prints a text as it is decoded: an update after every forward pass, with the tokens that it has committed.
using AsArm.Inference.Infilling;
using AsArm.Models;

await using TextInfiller infiller = await TextInfiller.OpenAsync(English18M.FolderPath);
int shown = 0;
await foreach (InfillUpdate update in infiller.InfillStreamAsync("Once upon a time <mask:24>", new InfillOptions { Temperature = 0.7, Seed = 1 }))
{
    Console.Write(update.Text[shown..update.StableLength]); // later updates repeat this part unchanged
    shown = update.StableLength;
    if (update.IsFinal)
        Console.WriteLine($"\n{update.Statistics.Generated} tokens in {update.Statistics.Nfe} forward passes");
}
