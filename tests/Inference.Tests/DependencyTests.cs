using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Inference.Infilling;

namespace AsArm.Inference.Tests;

[TestClass]
public sealed class DependencyTests
{
    [TestMethod]
    public void References_OfInference_HaveNoConsoleOrCommand()
    {
        string[] references = [.. typeof(TextInfiller).Assembly.GetReferencedAssemblies().Select(name => name.Name!)];
        CollectionAssert.Contains(references, "AsArm.Assd");
        CollectionAssert.Contains(references, "Microsoft.ML.OnnxRuntime");
        foreach (string forbidden in new[] { "System.Console", "Spectre.Console", "System.CommandLine", "asarm" })
            CollectionAssert.DoesNotContain(references, forbidden);
    }

    /// <summary>Sampling is in Assd only: Inference has no samplers and no random number generators.</summary>
    [TestMethod]
    public void Types_OfInference_HaveNoSampler() => Assert.IsFalse(
        typeof(TextInfiller).Assembly.GetTypes().Any(type => type.IsSubclassOf(typeof(Sampler)) || typeof(IRandomSource).IsAssignableFrom(type)));
}
