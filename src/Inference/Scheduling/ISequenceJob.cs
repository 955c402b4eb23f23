using AsArm.Assd.Randomness;
using AsArm.Assd.Samplers;

namespace AsArm.Inference.Scheduling;

/// <summary>
/// What a request needs of the model: one sequence, or several one after the other. The members are never called at the same time. All but
/// <see cref="MoveNext" /> are called on the thread of the scheduler, which they hold up.
/// </summary>
internal interface ISequenceJob
{
    /// <summary>Whether another sequence follows the current one.</summary>
    bool HasMore { get; }

    /// <summary>Creates the sampler of the current sequence.</summary>
    (Sampler Sampler, IRandomSource Random) Start();

    /// <summary>Called after each forward pass of the current sequence.</summary>
    void OnForwardPass();

    /// <summary>Called when the current sequence is done, after <see cref="OnForwardPass" />: keeps what is needed of its sampler, and releases it.</summary>
    void EndSequence();

    /// <summary>Prepares the next sequence, if <see cref="HasMore" />; may take long.</summary>
    void MoveNext();
}
