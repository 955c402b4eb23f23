// The smallest program of the library: opens a model folder and fills one gap.
using AsArm.Inference.Infilling;

using var infiller = TextInfiller.Open(args[0]);
Console.WriteLine(infiller.Infill("Once there was a <mask> who lived in a small village.", new InfillOptions { Seed = 3 }).Text);
