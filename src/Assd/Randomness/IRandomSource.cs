namespace AsArm.Assd.Randomness;

/// <summary>Where random numbers come from. The formulas take random numbers as arguments; only the loop owns a source.</summary>
public interface IRandomSource
{
    /// <summary>A number, uniform in [0, 1).</summary>
    double NextDouble();
}
