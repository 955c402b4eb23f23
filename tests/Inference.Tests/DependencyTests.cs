using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;
using AsArm.Inference.Infilling;

namespace AsArm.Inference.Tests;

[TestClass]
public sealed class DependencyTests
{
    [TestMethod]
    public void Inference_References_NoConsoleAndNoCommand()
    {
        string[] references = [.. typeof(TextInfiller).Assembly.GetReferencedAssemblies().Select(name => name.Name!)];
        CollectionAssert.Contains(references, "AsArm.Assd");
        CollectionAssert.Contains(references, "Microsoft.ML.OnnxRuntime");
        foreach (string forbidden in new[] { "System.Console", "Spectre.Console", "System.CommandLine", "asarm" })
            CollectionAssert.DoesNotContain(references, forbidden);
    }

    /// <summary>Inference never samples: the random numbers and the rejection maths stay in Assd.</summary>
    [TestMethod]
    public void Inference_Types_HoldNoSampler() => Assert.IsFalse(
        typeof(TextInfiller).Assembly.GetTypes().Any(type => type.IsSubclassOf(typeof(Sampler)) || typeof(IRandomSource).IsAssignableFrom(type)));
}
