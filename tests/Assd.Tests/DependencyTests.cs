using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using AsArm.Assd.Distributions;
using AsArm.Assd.Ordering;

namespace AsArm.Assd.Tests;

/// <summary>Checks in the compiled assembly that the library depends on no text, files, consoles or networks.</summary>
[TestClass]
public sealed class DependencyTests
{
    private static readonly string[] _assemblies =
        ["System.Runtime", "System.Numerics.Tensors", "System.Collections", "System.Linq", "System.Memory", "System.Runtime.InteropServices", "System.Threading", "System.Threading.Tasks.Parallel"];

    private static readonly string[] _namespaces =
    [
        "", "System", "System.Collections", "System.Collections.Generic", "System.Diagnostics", "System.Diagnostics.CodeAnalysis",
        "System.Linq", "System.Numerics", "System.Numerics.Tensors", "System.Reflection", "System.Runtime.CompilerServices",
        "System.Runtime.ExceptionServices", "System.Runtime.InteropServices", "System.Runtime.Versioning", "System.Text", "System.Threading", "System.Threading.Tasks",
    ];

    private static readonly string[] _types =
        ["Console", "Random", "Environment", "DateTime", "DateTimeOffset", "TimeProvider", "Stopwatch"];

    [TestMethod]
    public void References_OfTheAssembly_AreTheBaseLibraryAndTensors()
    {
        string[] others = [.. typeof(Order).Assembly.GetReferencedAssemblies().Select(name => name.Name!).Except(_assemblies)];
        Assert.IsEmpty(others, string.Join(", ", others));
    }

    [TestMethod]
    public void TypeReferences_OfTheAssembly_HaveNoFileConsoleClockOrRandomNumberGenerator()
    {
        using FileStream file = File.OpenRead(typeof(Order).Assembly.Location);
        using var image = new PEReader(file);
        MetadataReader metadata = image.GetMetadataReader();
        var used = new HashSet<string>();
        foreach (TypeReferenceHandle handle in metadata.TypeReferences)
        {
            TypeReference type = metadata.GetTypeReference(handle);
            string space = metadata.GetString(type.Namespace);
            string name = metadata.GetString(type.Name);
            used.Add(name);
            Assert.Contains(space, _namespaces, $"{space}.{name} is used.");
            Assert.DoesNotContain(name, _types, $"{space}.{name} is used.");
        }

        Assert.Contains("TensorPrimitives", used);
    }

    [TestMethod]
    public void PublicTypes_OfTheAssembly_AreSealedOrAbstractOrStatic()
    {
        foreach (Type type in typeof(Order).Assembly.GetExportedTypes())
            Assert.IsTrue(type.IsSealed || type.IsAbstract || type == typeof(SamplingOptions), type.Name);
    }
}
