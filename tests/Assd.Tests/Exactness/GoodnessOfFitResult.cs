namespace AsArm.Assd.Tests.Exactness;

/// <summary>The result of comparing counts with a distribution.</summary>
/// <param name="PValue">Of Pearson's chi-square test.</param>
/// <param name="TotalVariation">Half the sum of absolute differences.</param>
/// <param name="PerfectTotalVariation">The expected total variation of an exact sampler with as many samples.</param>
internal readonly record struct GoodnessOfFitResult(double PValue, double TotalVariation, double PerfectTotalVariation)
{
    public bool Passes => PValue > 1e-4 && TotalVariation <= 0.02;
}
