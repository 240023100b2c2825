import { UserError } from '../model/index.ts';
import { remove } from './attach.ts';
import { create, type Created, type CreateRequest } from './create.ts';
import type { House } from './house.ts';
import { atOnce, inTurns, membersOf } from './group/members.ts';

/** Instances of one image, named NAME-1, NAME-2 …: all of them, or none. */
export async function createGroup(
  request: Omit<CreateRequest, 'group'>,
  size: number,
  house: House,
): Promise<readonly Created[]> {
  const { name } = request;
  await refuseGroup(name, house);
  if ((await house.inventory.instances.find(name)) !== undefined) {
    throw new UserError(`there is an instance ${name} already`, {
      hint: `choose another name, or: repronim delete ${name}`,
    });
  }
  const names = Array.from({ length: size }, (_, index) => `${name}-${index + 1}`);
  const made: string[] = [];
  const one = async (member: string): Promise<Created> => {
    const created = await create({ ...request, name: member, group: name }, house);
    made.push(member);
    return created;
  };
  try {
    // the first one makes what all of them are made from
    const [first = '', ...others] = names;
    return [await one(first), ...(await inTurns(others, atOnce, one))];
  } catch (error) {
    await inTurns(made, atOnce, async (member) => await remove(member, house));
    throw error;
  }
}

/** A name is that of an instance or of a group, never of both. */
export async function refuseGroup(name: string, house: House): Promise<void> {
  const members = await membersOf(name, house);
  if (members.length === 0) return;
  throw new UserError(`there is a group ${name} already: ${members.join(', ')}`, {
    hint: `choose another name, or: repronim delete ${name}`,
  });
}
