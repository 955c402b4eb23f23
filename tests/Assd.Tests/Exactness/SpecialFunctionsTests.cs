namespace AsArm.Assd.Tests.Exactness;

/// <summary>Tests of the statistical tests.</summary>
[TestClass]
public sealed class SpecialFunctionsTests
{
    [TestMethod]
    [DataRow(3.841458820694124, 1, 0.05)]
    [DataRow(5.991464547107979, 2, 0.05)]
    [DataRow(18.307038053275146, 10, 0.05)]
    [DataRow(124.34211340400407, 100, 0.05)]
    [DataRow(27.877164871256568, 9, 0.001)]
    [DataRow(2.0, 2, 0.36787944117144233)]
    [DataRow(0.0, 5, 1.0)]
    [DataRow(double.PositiveInfinity, 5, 0.0)]
    public void ChiSquareTail_KnownQuantiles_Agree(double statistic, int degreesOfFreedom, double expected) =>
        Assert.AreEqual(expected, SpecialFunctions.ChiSquareTail(statistic, degreesOfFreedom), 1e-9);

    [TestMethod]
    public void Compare_OutcomeOfProbabilityZero_Fails() => Assert.IsFalse(GoodnessOfFit.Compare([10_000, 10_000, 1], [0.5, 0.5, 0]).Passes);

    [TestMethod]
    public void Compare_RoundedExpectation_Passes() => Assert.IsTrue(GoodnessOfFit.Compare([5_000, 15_000, 0], [0.25, 0.75, 0]).Passes);

    [TestMethod]
    public void Compare_ThreePercentDifference_Fails() => Assert.IsFalse(GoodnessOfFit.Compare([10_600, 9_400], [0.5, 0.5]).Passes);
}
