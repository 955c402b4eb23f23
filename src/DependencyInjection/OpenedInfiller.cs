using AsArm.Inference.Infilling;

namespace AsArm.Extensions.DependencyInjection;

/// <summary>The infiller, once anybody has needed it.</summary>
internal sealed class OpenedInfiller
{
    public TextInfiller? Value { get; set; }
}
