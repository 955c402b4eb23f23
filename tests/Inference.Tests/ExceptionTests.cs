using AsArm.Assd;
using AsArm.Inference.Infilling;

namespace AsArm.Inference.Tests;

[TestClass]
public sealed class ExceptionTests
{
    /// <summary>One catch clause for all that AsArm throws itself.</summary>
    [TestMethod]
    public void Exceptions_OfTheLibraries_HaveOneBase()
    {
        Type[] exceptions =
        [
            .. new[] { typeof(AsArmException).Assembly, typeof(TextInfiller).Assembly }.SelectMany(assembly => assembly.GetTypes())
                .Where(type => type.IsSubclassOf(typeof(Exception)) && type != typeof(AsArmException)),
        ];
        Assert.IsGreaterThan(5, exceptions.Length);
        foreach (Type type in exceptions)
            Assert.IsTrue(type.IsSubclassOf(typeof(AsArmException)), type.FullName);
    }
}
